"""The tailscale plugin: a real process over gRPC, against the real API stand-in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml

from providers.plugin.property_value import UNKNOWN, Secret
from tests.lab.stand_in_processes import POLICY, WORKER_KEY, Plugin, StandIn

KEY = "tailscale:index/tailnetKey:TailnetKey"
CLIENT = "tailscale:index/oauthClient:OauthClient"
ACL = "tailscale:index/acl:Acl"
ROUTES = "tailscale:index/deviceSubnetRoutes:DeviceSubnetRoutes"
GET_DEVICE = "tailscale:index/getDevice:getDevice"
EXIT_ROUTES = ["0.0.0.0/0", "::/0"]
# What is in a key's state whatever its inputs are.
_DEFAULTS: dict[str, Any] = {
    "description": "",
    "ephemeral": False,
    "preauthorized": False,
    "reusable": False,
    "tags": [],
    "expiry": 3600,
    "invalid": False,
    "createdAt": "2026-01-01T00:00:00Z",
    "expiresAt": "2026-01-01T01:00:00Z",
    "userId": "",
    "key": "",
}


def test_the_requests_are_those_recorded_from_the_real_provider(
    tailscale: Plugin, stand_in: StandIn
) -> None:
    stand_in.log_in(stand_in.key()["key"], "exit-a", routes=EXIT_ROUTES)
    stand_in.forget_requests()
    device = tailscale.invoke(GET_DEVICE, hostname="exit-a")
    key_id, key = tailscale.create(KEY, **WORKER_KEY)
    client_inputs: dict[str, Any] = {
        "scopes": ["auth_keys"],
        "tags": ["tag:exit"],
        "description": "exits",
    }
    client_id, client = tailscale.create(CLIENT, **client_inputs)
    routes_inputs: dict[str, Any] = {"deviceId": device["nodeId"], "routes": EXIT_ROUTES}
    routes_id, routes = tailscale.create(ROUTES, **routes_inputs)
    tailscale.read(KEY, key_id, key, WORKER_KEY)
    tailscale.delete(ROUTES, routes_id, routes)
    tailscale.delete(CLIENT, client_id, client)
    tailscale.delete(KEY, key_id, key)
    recorded = Path(__file__).with_name("recorded_requests.yaml").read_text()
    for name, value in (("DEVICE", device["nodeId"]), ("KEY", key_id), ("CLIENT", client_id)):
        recorded = recorded.replace(name, value)
    sent = stand_in.requests()
    assert [
        [r["method"], r["path"], r.get("Accept"), json.loads(r["body"]) if "body" in r else None]
        for r in sent
    ] == yaml.safe_load(recorded)
    assert sent[0]["query"] == "hostname=exit-a"
    assert {r["authorization"] for r in sent} == {"basic"}
    assert {r.get("Content-Type") for r in sent if "body" in r} == {"application/json"}


def test_the_policy_is_sent_as_the_real_provider_sends_it(
    start_plugin: Callable[..., Plugin], bare_stand_in: StandIn
) -> None:
    plugin = start_plugin("tailscale")
    plugin.configure(apiKey=bare_stand_in.api_key, baseUrl=bare_stand_in.url)
    acl_id, state = plugin.create(ACL, acl=POLICY)
    plugin.read(ACL, acl_id, state, {"acl": POLICY})
    post, get = bare_stand_in.requests()
    assert (post["method"], post["path"]) == ("POST", "/api/v2/tailnet/-/acl")
    assert (post["body"], post["If-Match"]) == (POLICY, '"ts-default"')
    assert (get["method"], get["Accept"]) == ("GET", "application/hujson")


def test_defaults_are_those_of_the_real_provider(tailscale: Plugin) -> None:
    _, key = tailscale.create(KEY)
    assert {n: key[n] for n in ("ephemeral", "reusable", "preauthorized", "tags")} == {
        "ephemeral": False,
        "reusable": False,
        "preauthorized": False,
        "tags": [],
    }
    assert (key["description"], key["expiry"], key["invalid"]) == ("", 7_776_000, False)


def test_a_preview_writes_nothing_and_leaves_the_outcome_unknown(
    tailscale: Plugin, stand_in: StandIn
) -> None:
    key_id, key = tailscale.create(KEY, preview=True, tags=[UNKNOWN], reusable=True)
    assert key_id == ""
    assert (key["key"], key["expiresAt"]) == (UNKNOWN, UNKNOWN)
    assert key["reusable"] is True
    state = {"id": "id", "key": Secret("x"), "scopes": [], "tags": [], "description": ""}
    tailscale.update(CLIENT, "id", state, preview=True, scopes=["auth_keys"])
    tailscale.create(ROUTES, preview=True, deviceId=UNKNOWN, routes=EXIT_ROUTES)
    assert stand_in.requests() == []


@pytest.mark.parametrize("name", ["ephemeral", "reusable", "preauthorized"])
def test_a_changed_key_is_made_anew(tailscale: Plugin, name: str) -> None:
    answer = tailscale.diff(KEY, WORKER_KEY, WORKER_KEY | {name: False}, **_DEFAULTS)
    assert list(answer.replaces) == [name]


def test_the_order_of_tags_and_given_defaults_are_no_change(tailscale: Plugin) -> None:
    old = {"tags": ["tag:a", "tag:b"]}
    new = {"tags": ["tag:b", "tag:a"], "ephemeral": False}
    answer = tailscale.diff(KEY, old, new, **_DEFAULTS)
    assert answer.changes == answer.DIFF_NONE
    added = tailscale.diff(KEY, old, {"tags": ["tag:a"]}, **_DEFAULTS)
    assert list(added.replaces) == ["tags"]


def test_an_invalid_reusable_key_is_made_anew_unless_told_not_to(tailscale: Plugin) -> None:
    def replaces(**inputs: Any) -> list[str]:
        state = _DEFAULTS | {"invalid": True}
        return list(tailscale.diff(KEY, inputs, inputs, **state).replaces)

    assert replaces(reusable=True) == ["id"]
    assert replaces(reusable=False) == []
    assert replaces(reusable=False, recreateIfInvalid="always") == ["id"]
    assert replaces(reusable=True, recreateIfInvalid="never") == []


def test_a_key_deleted_elsewhere_is_found_invalid_at_refresh(
    tailscale: Plugin, stand_in: StandIn
) -> None:
    key_id, key = tailscale.create(KEY, **WORKER_KEY)
    stand_in.api.delete(f"tailnet/-/keys/{key_id}")
    found_id, state, inputs = tailscale.read(KEY, key_id, key, WORKER_KEY)
    assert (found_id, state["invalid"]) == (key_id, True)
    assert isinstance(state["key"], Secret)
    assert inputs == WORKER_KEY
    tailscale.delete(KEY, key_id, key)


def test_a_device_that_is_gone_is_gone_at_refresh_and_everything_else_fails(
    tailscale: Plugin, stand_in: StandIn
) -> None:
    device = stand_in.log_in(stand_in.key()["key"], "exit-a").json()["nodeId"]
    inputs: dict[str, Any] = {"deviceId": device, "routes": EXIT_ROUTES}
    resource_id, state = tailscale.create(ROUTES, **inputs)
    stand_in.api.delete(f"device/{device}")
    assert tailscale.read(ROUTES, resource_id, state, inputs)[0] == ""
    with pytest.raises(grpc.RpcError, match=rf"device with ID {device}: device not found \(404\)"):
        tailscale.update(ROUTES, resource_id, state, **inputs)
    with pytest.raises(grpc.RpcError, match=rf"device with ID {device}: device not found \(404\)"):
        tailscale.delete(ROUTES, resource_id, state)


def test_a_revoked_client_stays_in_the_state_and_cannot_be_changed(
    tailscale: Plugin, stand_in: StandIn
) -> None:
    inputs: dict[str, Any] = {"scopes": ["auth_keys"], "tags": ["tag:exit"], "description": "x"}
    client_id, client = tailscale.create(CLIENT, **inputs)
    stand_in.api.delete(f"tailnet/-/keys/{client_id}")
    assert tailscale.read(CLIENT, client_id, client, inputs)[0] == client_id
    with pytest.raises(grpc.RpcError, match="Failed to update oauth client: key not found"):
        tailscale.update(CLIENT, client_id, client, **inputs | {"description": "y"})
    tailscale.delete(CLIENT, client_id, client)


def test_drift_is_seen_in_the_inputs_that_a_refresh_gives(
    tailscale: Plugin, stand_in: StandIn
) -> None:
    device = stand_in.log_in(stand_in.key(tags=["tag:worker"])["key"], "a").json()["nodeId"]
    inputs: dict[str, Any] = {"deviceId": device, "routes": EXIT_ROUTES}
    routes_id, state = tailscale.create(ROUTES, **inputs)
    assert tailscale.read(ROUTES, routes_id, state, inputs)[2] == inputs
    stand_in.api.post(f"device/{device}/routes", json={"routes": ["10.0.0.0/8"]})
    drifted = tailscale.read(ROUTES, routes_id, state, inputs)[2]
    assert drifted["routes"] == ["10.0.0.0/8"]
    assert list(tailscale.diff(ROUTES, drifted, inputs).diffs) == ["routes"]
    tailscale.update(ROUTES, routes_id, state, **inputs)
    assert stand_in.api.get(f"device/{device}/routes").json()["enabledRoutes"] == EXIT_ROUTES


def test_a_policy_somebody_changed_is_not_overwritten_unasked(
    tailscale: Plugin, stand_in: StandIn
) -> None:
    with pytest.raises(grpc.RpcError, match="overwrite_existing_content"):
        tailscale.create(ACL, acl="{}")
    assert stand_in.api.get("tailnet/-/acl").text == POLICY
    acl_id, state = tailscale.create(ACL, acl='{"tagOwners": {}}', overwriteExistingContent=True)
    tailscale.update(ACL, acl_id, state, acl=POLICY)
    tailscale.delete(ACL, acl_id, state)
    assert stand_in.api.get("tailnet/-/acl").text == POLICY
    tailscale.delete(ACL, acl_id, state | {"resetAclOnDestroy": True})
    assert "grants" in stand_in.api.get("tailnet/-/acl").text


@pytest.mark.parametrize(
    ("kind", "inputs", "reason"),
    [
        (KEY, {"description": "x" * 51}, "at most 50"),
        (KEY, {"recreateIfInvalid": "perhaps"}, "one of"),
        (CLIENT, {}, "required property 'scopes'"),
        (ROUTES, {"routes": []}, "required property 'deviceId'"),
        (ACL, {"acl": "{"}, "line 1"),
    ],
)
def test_bad_inputs_are_refused_with_a_reason(
    tailscale: Plugin, kind: str, inputs: dict[str, Any], reason: str
) -> None:
    reasons = tailscale.check(kind, **inputs)
    assert any(reason in text for text in reasons)
    assert all("\n" not in text for text in reasons)


def test_unknown_inputs_pass_the_check(tailscale: Plugin) -> None:
    assert tailscale.check(ROUTES, deviceId=UNKNOWN, routes=UNKNOWN) == []
    assert tailscale.check(ACL, acl=UNKNOWN) == []
    assert tailscale.check(KEY, tags=[UNKNOWN], description=UNKNOWN) == []
