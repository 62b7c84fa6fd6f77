"""The tailscale plugin: a real process over gRPC, against the real API stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from lab.plugins.property_value import UNKNOWN, Secret, reveal
from tests.lab.stand_in_processes import POLICY, Plugin, StandIn

KEY = "tailscale:index/tailnetKey:TailnetKey"
CLIENT = "tailscale:index/oauthClient:OauthClient"
ACL = "tailscale:index/acl:Acl"
ROUTES = "tailscale:index/deviceSubnetRoutes:DeviceSubnetRoutes"
TAGS = "tailscale:index/deviceTags:DeviceTags"
DEVICE_KEY = "tailscale:index/deviceKey:DeviceKey"
AUTHORIZATION = "tailscale:index/deviceAuthorization:DeviceAuthorization"
GET_DEVICE = "tailscale:index/getDevice:getDevice"
EXIT_ROUTES = ["0.0.0.0/0", "::/0"]
WORKER_KEY: dict[str, Any] = {
    "ephemeral": True,
    "reusable": True,
    "preauthorized": True,
    "expiry": 3600,
    "tags": ["tag:worker"],
    "description": "workers",
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
    create = {
        "reusable": True,
        "ephemeral": True,
        "tags": ["tag:worker"],
        "preauthorized": True,
    }
    expected: list[tuple[str, str, str | None, Any]] = [
        ("GET", "/api/v2/tailnet/-/devices", "application/json", None),
        (
            "POST",
            "/api/v2/tailnet/-/keys",
            None,
            {
                "capabilities": {"devices": {"create": create}},
                "expirySeconds": 3600,
                "description": "workers",
            },
        ),
        ("POST", "/api/v2/tailnet/-/keys", None, {"keyType": "client", **client_inputs}),
        ("POST", f"/api/v2/device/{device['nodeId']}/routes", None, {"routes": EXIT_ROUTES}),
        ("GET", f"/api/v2/tailnet/-/keys/{key_id}", "application/json", None),
        ("POST", f"/api/v2/device/{device['nodeId']}/routes", None, {"routes": []}),
        ("DELETE", f"/api/v2/tailnet/-/keys/{client_id}", "application/json", None),
        ("DELETE", f"/api/v2/tailnet/-/keys/{key_id}", "application/json", None),
    ]
    sent = stand_in.requests()
    assert [
        (r["method"], r["path"], r.get("Accept"), json.loads(r["body"]) if "body" in r else None)
        for r in sent
    ] == expected
    assert sent[0]["query"] == "hostname=exit-a"
    assert {r["authorization"] for r in sent} == {"basic"}
    assert {r.get("Content-Type") for r in sent if "body" in r} == {"application/json"}


def test_the_policy_is_sent_as_the_real_provider_sends_it(
    start_plugin: Callable[..., Plugin], bare_stand_in: StandIn
) -> None:
    plugin = start_plugin("lab.plugins.tailscale")
    plugin.configure(apiKey=bare_stand_in.api_key, baseUrl=bare_stand_in.url)
    acl_id, state = plugin.create(ACL, acl=POLICY)
    plugin.read(ACL, acl_id, state, {"acl": POLICY})
    post, get = bare_stand_in.requests()
    assert (post["method"], post["path"]) == ("POST", "/api/v2/tailnet/-/acl")
    assert (post["body"], post["If-Match"]) == (POLICY, '"ts-default"')
    assert (get["method"], get["Accept"]) == ("GET", "application/hujson")


def test_the_user_is_told_that_a_stand_in_is_in_use(tailscale: Plugin) -> None:
    assert tailscale.engine.said().startswith("stand-in for the tailscale provider 0.29.2:")
    tailscale.create(KEY, **WORKER_KEY)
    assert len(tailscale.engine.messages) == 1


def test_a_keys_secret_is_marked_and_works(tailscale: Plugin, stand_in: StandIn) -> None:
    key_id, key = tailscale.create(KEY, **WORKER_KEY)
    assert isinstance(key["key"], Secret)
    assert key["expiry"] == 3600
    assert stand_in.log_in(reveal(key["key"]), "worker-a").status_code == 201
    assert key_id in reveal(key["key"])


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
    assert (key["key"], key["expiresAt"]) == (Secret(UNKNOWN), UNKNOWN)
    assert key["reusable"] is True
    tailscale.update(CLIENT, "id", {"key": Secret("x")}, preview=True, scopes=["auth_keys"])
    tailscale.create(ROUTES, preview=True, deviceId=UNKNOWN, routes=EXIT_ROUTES)
    assert stand_in.requests() == []


@pytest.mark.parametrize("name", ["ephemeral", "reusable", "preauthorized"])
def test_a_changed_key_is_made_anew(tailscale: Plugin, name: str) -> None:
    answer = tailscale.diff(KEY, WORKER_KEY, WORKER_KEY | {name: False})
    assert list(answer.replaces) == [name]
    assert answer.detailedDiff[name].kind == answer.detailedDiff[name].UPDATE_REPLACE


def test_the_order_of_tags_and_given_defaults_are_no_change(tailscale: Plugin) -> None:
    old = {"tags": ["tag:a", "tag:b"]}
    answer = tailscale.diff(KEY, old, {"tags": ["tag:b", "tag:a"], "ephemeral": False})
    assert answer.changes == answer.DIFF_NONE
    added = tailscale.diff(KEY, old, {"tags": ["tag:a"]})
    assert list(added.replaces) == ["tags"]


def test_an_unknown_input_counts_as_a_change(tailscale: Plugin) -> None:
    answer = tailscale.diff(
        ROUTES, {"deviceId": "n1", "routes": []}, {"deviceId": UNKNOWN, "routes": []}
    )
    assert list(answer.replaces) == ["deviceId"]


def test_an_invalid_reusable_key_is_made_anew_unless_told_not_to(tailscale: Plugin) -> None:
    def replaces(**inputs: Any) -> list[str]:
        return list(tailscale.diff(KEY, inputs, inputs, invalid=True).replaces)

    assert replaces(reusable=True) == ["invalid"]
    assert replaces(reusable=False) == []
    assert replaces(reusable=False, recreateIfInvalid="always") == ["invalid"]
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


def test_other_resources_that_are_gone_are_gone_at_refresh(
    tailscale: Plugin, stand_in: StandIn
) -> None:
    device = stand_in.log_in(stand_in.key()["key"], "exit-a").json()["nodeId"]
    client_id, client = tailscale.create(CLIENT, scopes=["auth_keys"], tags=["tag:exit"])
    made = [(CLIENT, client_id, client)]
    settings: list[tuple[str, dict[str, Any]]] = [
        (ROUTES, {"routes": EXIT_ROUTES}),
        (TAGS, {"tags": ["tag:worker"]}),
        (DEVICE_KEY, {"keyExpiryDisabled": True}),
        (AUTHORIZATION, {"authorized": True}),
    ]
    for kind, inputs in settings:
        made.append((kind, *tailscale.create(kind, deviceId=device, **inputs)))
    stand_in.api.delete(f"tailnet/-/keys/{client_id}")
    stand_in.api.delete(f"device/{device}")
    for kind, resource_id, state in made:
        assert tailscale.read(kind, resource_id, state, {})[0] == ""
    tailscale.delete(ROUTES, made[1][1], made[1][2])


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


def test_routes_are_imported_by_the_devices_id(tailscale: Plugin, stand_in: StandIn) -> None:
    device = stand_in.log_in(stand_in.key()["key"], "a", routes=EXIT_ROUTES).json()["nodeId"]
    routes_id, state, inputs = tailscale.read(ROUTES, device, {}, {})
    assert routes_id not in ("", device)
    assert state == inputs == {"deviceId": device, "routes": EXIT_ROUTES}


def test_device_settings_are_set_and_taken_back(tailscale: Plugin, stand_in: StandIn) -> None:
    device = stand_in.log_in(stand_in.key(preauthorized=False)["key"], "a").json()["nodeId"]

    def now() -> dict[str, Any]:
        answer: dict[str, Any] = stand_in.api.get(f"device/{device}").json()
        return answer

    tailscale.create(AUTHORIZATION, deviceId=device, authorized=True)
    key_id, key = tailscale.create(DEVICE_KEY, deviceId=device, keyExpiryDisabled=True)
    tags_id, tags = tailscale.create(TAGS, deviceId=device, tags=["tag:worker"])
    assert (now()["authorized"], now()["keyExpiryDisabled"]) == (True, True)
    assert (now()["tags"], tags_id) == (["tag:worker"], device)
    tailscale.delete(DEVICE_KEY, key_id, key)
    tailscale.delete(TAGS, tags_id, tags)
    assert (now()["keyExpiryDisabled"], now()["tags"]) == (False, [])


def test_a_policy_somebody_changed_is_not_overwritten_unasked(
    tailscale: Plugin, stand_in: StandIn
) -> None:
    with pytest.raises(grpc.RpcError, match="overwriteExistingContent"):
        tailscale.create(ACL, acl="{}")
    assert stand_in.api.get("tailnet/-/acl").text == POLICY
    acl_id, state = tailscale.create(ACL, acl='{"tagOwners": {}}', overwriteExistingContent=True)
    tailscale.update(ACL, acl_id, state, acl=POLICY)
    tailscale.delete(ACL, acl_id, state)
    assert stand_in.api.get("tailnet/-/acl").text == POLICY
    tailscale.delete(ACL, acl_id, state | {"resetAclOnDestroy": True})
    assert "grants" in stand_in.api.get("tailnet/-/acl").text


def test_spacing_in_a_policy_is_no_change(tailscale: Plugin) -> None:
    answer = tailscale.diff(ACL, {"acl": '{"a": 1,}'}, {"acl": '{\n"a":1}'})
    assert answer.changes == answer.DIFF_NONE


@pytest.mark.parametrize(
    ("kind", "inputs", "reason"),
    [
        (KEY, {"description": "x" * 51}, "at most 50"),
        (KEY, {"expiry": "soon"}, "type integer"),
        (KEY, {"recreateIfInvalid": "perhaps"}, "one of"),
        (KEY, {"surprise": 1}, "no property"),
        (CLIENT, {}, "'scopes' is required"),
        (ROUTES, {"routes": []}, "'deviceId' is required"),
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
