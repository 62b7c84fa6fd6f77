"""A check that could not be made does not pass: where it can stop an update, it stops it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from operations.preflight.finding import Verdict
from operations.preflight.run import run
from tests.kubernetes_api import Request, Response, api_server, empty, refusal
from tests.unit.seen_cluster import prod


def _verdicts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, refused: str, **environment: str
) -> dict[str, Verdict]:
    """The verdict of each check that was not made, by an API server that refuses one kind."""

    def answer(request: Request) -> Response:
        if request.path.endswith(f"/{refused}"):
            return refusal(403, f"{refused} is forbidden: no right to list these")
        return empty(request)

    with api_server(answer) as server:
        monkeypatch.setenv("KUBECONFIG", server.kubeconfig(folder))
        outcome = run(prod(), datetime.now(UTC).date(), environment)
    asked = [request.path for request in server.requests if request.path.endswith(f"/{refused}")]
    assert len(asked) == len(set(asked)), "a refused list is asked for once"
    return {each.check: each.verdict for each in outcome.findings if each.where == "not checked"}


def test_without_an_answer_of_the_tailnet_and_the_database_an_update_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = "http://127.0.0.1:1"
    unseen = _verdicts(
        tmp_path,
        monkeypatch,
        "nothing",
        TAILSCALE_BASE_URL=nobody,
        TAILSCALE_API_KEY="any",
        CRUNCHYBRIDGE_BASE_URL=nobody,
        CRUNCHY_API_KEY="any",
    )
    assert unseen == {"exit-nodes": Verdict.FAIL, "database-network": Verdict.FAIL}


@pytest.mark.parametrize(
    ("refused", "check", "verdict"),
    [
        ("leases", "kubelet-leases", Verdict.FAIL),
        ("daemonsets", "foreign-tailscale", Verdict.FAIL),
        ("endpointslices", "api-servers", Verdict.FAIL),
        ("configmaps", "transparent-hosts", Verdict.FAIL),
        ("daemonsets", "host-network", Verdict.WARN),
        ("namespaces", "admission-conflicts", Verdict.WARN),
    ],
)
def test_what_the_api_server_does_not_show_stops_where_the_check_itself_could(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str, check: str, verdict: Verdict
) -> None:
    assert _verdicts(tmp_path, monkeypatch, refused)[check] is verdict
