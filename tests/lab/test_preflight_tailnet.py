"""The preflight asks the tailnet's API, here the stand-in, about the exit nodes."""

import pytest

from operations.errors import UnavailableError
from operations.preflight import tailnet
from operations.preflight.checks import exit_nodes
from operations.preflight.finding import PreflightFinding, Verdict
from tests.lab.stand_in_processes import StandIn
from tests.unit.seen_cluster import prod, view, workload

pytestmark = pytest.mark.slow

_HOSTNAME = "oceanid-exit-tethys"


def _asked(stand_in: StandIn, **more: str) -> PreflightFinding:
    environment = {
        "TAILSCALE_BASE_URL": stand_in.url,
        "TAILSCALE_API_KEY": stand_in.api_key,
        **more,
    }
    (result,) = exit_nodes.check(prod(), tailnet.devices(environment), ())
    return result


def _register(stand_in: StandIn, **capabilities: object) -> str:
    """An exit node with its routes advertised; its node id."""
    key = stand_in.key(**capabilities)["key"]
    routes = ["0.0.0.0/0", "::/0"]
    answer = stand_in.log_in(key, _HOSTNAME, advertisedRoutes=routes).raise_for_status()
    return str(answer.json()["nodeId"])


def _set_routes(stand_in: StandIn, device: str, *routes: str) -> None:
    body = {"routes": list(routes)}
    stand_in.api.post(f"device/{device}/routes", json=body).raise_for_status()


def test_before_the_first_update_the_exit_node_is_not_there_which_is_a_note(
    stand_in: StandIn,
) -> None:
    assert _asked(stand_in).verdict is Verdict.NOTE


def test_an_exit_node_that_is_online_and_approved_is_fine(stand_in: StandIn) -> None:
    _set_routes(stand_in, _register(stand_in), "0.0.0.0/0", "::/0")
    assert _asked(stand_in).verdict is Verdict.OK


def test_an_exit_node_that_is_not_approved_is_a_warning_with_the_missing_routes(
    stand_in: StandIn,
) -> None:
    _set_routes(stand_in, _register(stand_in), "::/0")
    result = _asked(stand_in)
    assert result.verdict is Verdict.WARN
    assert result.what == "online but not approved for 0.0.0.0/0: it is not an exit node"


def test_an_exit_node_that_nobody_authorized_is_a_failure(stand_in: StandIn) -> None:
    _register(stand_in, preauthorized=False)
    assert _asked(stand_in).verdict is Verdict.FAIL


def test_two_devices_under_one_name_are_a_failure_with_both_ids(stand_in: StandIn) -> None:
    first = _register(stand_in)
    key = stand_in.key()["key"]
    second = stand_in.log_in(key, _HOSTNAME, identity="another").json()["nodeId"]
    result = _asked(stand_in)
    assert result.verdict is Verdict.FAIL
    assert first in result.what
    assert second in result.what


def test_an_exit_node_that_is_offline_is_a_warning() -> None:
    device = {
        "hostname": _HOSTNAME,
        "authorized": True,
        "connectedToControl": False,
        "lastSeen": "2025-10-12T22:45:00Z",
    }
    (result,) = exit_nodes.check(prod(), [device], (_HOSTNAME,))
    assert result.verdict is Verdict.WARN
    assert result.what == "offline, last seen 2025-10-12T22:45:00Z"


def test_an_exit_node_whose_pod_runs_without_a_device_is_a_warning() -> None:
    labels = {"app.kubernetes.io/part-of": "oceanid"}
    own = workload(_HOSTNAME, labels=labels, status={"readyReplicas": 1})
    running = exit_nodes.running(view(stateful_sets=[own, workload("other")]))
    (result,) = exit_nodes.check(prod(), [], running)
    assert result.verdict is Verdict.WARN
    assert "the tailnet has no device of its name" in result.what


def test_a_refused_credential_is_a_failure_that_does_not_show_it(stand_in: StandIn) -> None:
    wrong = "-".join(("tskey", "api", "k1", "notthisone"))
    with pytest.raises(UnavailableError) as raised:
        _asked(stand_in, TAILSCALE_API_KEY=wrong)
    assert "401" in str(raised.value)
    assert wrong not in str(raised.value) + raised.value.remedy


def test_an_oauth_client_is_exchanged_for_a_token(stand_in: StandIn) -> None:
    body = {"keyType": "client", "scopes": ["devices:core"], "tags": ["tag:exit"]}
    client = stand_in.api.post("tailnet/-/keys", json=body).raise_for_status().json()
    environment = {
        "TAILSCALE_BASE_URL": stand_in.url,
        "TAILSCALE_OAUTH_CLIENT_ID": client["id"],
        "TAILSCALE_OAUTH_CLIENT_SECRET": client["key"],
    }
    assert tailnet.devices(environment) == []


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({}, "neither TAILSCALE_OAUTH_CLIENT_SECRET nor TAILSCALE_API_KEY is set"),
        ({"TAILSCALE_BASE_URL": "http://api.example"}, "would send the credential in the clear"),
        (
            {"TAILSCALE_BASE_URL": "http://127.0.0.1:1", "TAILSCALE_API_KEY": "any"},
            "no answer from 127.0.0.1: ConnectError",
        ),
    ],
)
def test_a_tailnet_that_cannot_be_asked_says_why(environment: dict[str, str], why: str) -> None:
    with pytest.raises(UnavailableError, match=why):
        tailnet.devices(environment)
