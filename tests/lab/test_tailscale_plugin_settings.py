"""The tailscale plugin's look-ups, its errors and its settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from lab.plugins.property_value import UNKNOWN, Secret
from tests.lab.stand_in_processes import POLICY, Plugin, StandIn, details

KEY = "tailscale:index/tailnetKey:TailnetKey"
GET_DEVICE = "tailscale:index/getDevice:getDevice"
WORKER_KEY: dict[str, Any] = {
    "ephemeral": True,
    "reusable": True,
    "preauthorized": True,
    "expiry": 3600,
    "tags": ["tag:worker"],
    "description": "workers",
}


def test_a_lookup_waits_for_a_device_that_comes_late(tailscale: Plugin, stand_in: StandIn) -> None:
    key = stand_in.key()["key"]
    stand_in.lab.post("/lab/faults", json={"effect": "status", "path": "devices"})
    stand_in.log_in(key, "late")
    found = tailscale.invoke(GET_DEVICE, hostname="late", waitFor="30s")
    assert found["addresses"][0].startswith("100.")
    assert found["waitFor"] == "30s"
    assert found["id"] != found["nodeId"]


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ({"hostname": "ghost"}, 'could not find device with hostname="ghost"'),
        ({}, "exactly one of"),
        ({"hostname": "a", "name": "b"}, "exactly one of"),
        ({"hostname": "a", "waitFor": "1s"}, "greater than 1 second"),
        ({"hostname": "a", "waitFor": "soon"}, "duration"),
    ],
)
def test_a_lookup_that_cannot_succeed_says_why(
    tailscale: Plugin, args: dict[str, str], reason: str
) -> None:
    with pytest.raises(grpc.RpcError, match=reason):
        tailscale.invoke(GET_DEVICE, **args)


def test_devices_and_the_policy_can_be_listed(tailscale: Plugin, stand_in: StandIn) -> None:
    key = stand_in.key(tags=["tag:exit", "tag:worker"])["key"]
    for name, tag in (("exit-a", "tag:exit"), ("exit-b", "tag:exit"), ("w-a", "tag:worker")):
        stand_in.log_in(key, name, tags=[tag])
    filters = [{"name": "tags", "values": ["tag:exit"]}]
    found = tailscale.invoke(
        "tailscale:index/getDevices:getDevices", filters=filters, namePrefix="exit-b"
    )
    assert [device["hostname"] for device in found["devices"]] == ["exit-b"]
    policy = tailscale.invoke("tailscale:index/getAcl:getAcl")
    assert policy["hujson"] == POLICY
    assert json.loads(policy["json"])["autoApprovers"] == {"exitNode": ["tag:exit"]}


def test_a_busy_api_is_asked_again_after_the_time_it_says(
    tailscale: Plugin, stand_in: StandIn
) -> None:
    stand_in.lab.post(
        "/lab/faults", json={"effect": "status", "status": 429, "count": 2, "retry_after": 0}
    )
    tailscale.create(KEY, **WORKER_KEY)
    assert [r["method"] for r in stand_in.requests()] == ["POST"] * 3


def test_an_api_error_is_one_line_with_its_status_and_no_credential(
    tailscale: Plugin, stand_in: StandIn
) -> None:
    stand_in.lab.post("/lab/faults", json={"effect": "status"})
    with pytest.raises(grpc.RpcError) as caught:
        tailscale.create(KEY, **WORKER_KEY)
    assert details(caught) == "Failed to create key: fault ordered by the lab (500)"


def test_an_oauth_client_can_configure_the_provider(
    start_plugin: Callable[..., Plugin], stand_in: StandIn
) -> None:
    body = {"keyType": "client", "scopes": ["auth_keys"], "tags": ["tag:worker"]}
    client = stand_in.api.post("tailnet/-/keys", json=body).json()
    stand_in.forget_requests()
    plugin = start_plugin(
        "lab.plugins.tailscale",
        TAILSCALE_OAUTH_CLIENT_ID=client["id"],
        TAILSCALE_OAUTH_CLIENT_SECRET=client["key"],
        TAILSCALE_BASE_URL=stand_in.url,
    )
    plugin.configure()
    plugin.create(KEY, **WORKER_KEY)
    plugin.create(KEY, **WORKER_KEY)
    sent = [(r["path"], r["authorization"]) for r in stand_in.requests()]
    keys = ("/api/v2/tailnet/-/keys", "bearer")
    assert sent == [("/api/v2/oauth/token", "basic"), keys, keys]


def test_an_api_key_may_be_named_by_its_file(
    start_plugin: Callable[..., Plugin], stand_in: StandIn, tmp_path: Path
) -> None:
    plugin = start_plugin(
        "lab.plugins.tailscale",
        TAILSCALE_API_KEY=f"file:{tmp_path / 'api-key'}",
        TAILSCALE_BASE_URL=stand_in.url,
    )
    plugin.configure()
    assert plugin.create(KEY)[0]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "TAILSCALE_API_KEY"),
        ({"apiKey": "a", "oauthClientId": "b"}, "conflicts"),
        ({"oauthClientId": "b"}, "oauthClientSecret"),
        ({"apiKey": "file:/nonexistent"}, "apiKey: cannot read"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    start_plugin: Callable[..., Plugin], settings: dict[str, str], reason: str
) -> None:
    with pytest.raises(grpc.RpcError, match=reason):
        start_plugin("lab.plugins.tailscale").configure(**settings)


def test_settings_that_are_not_known_yet_allow_a_preview_and_nothing_else(
    start_plugin: Callable[..., Plugin],
) -> None:
    plugin = start_plugin("lab.plugins.tailscale")
    plugin.configure(apiKey=UNKNOWN)
    assert plugin.create(KEY, preview=True)[1]["key"] == Secret(UNKNOWN)
    with pytest.raises(grpc.RpcError, match="not known before the update"):
        plugin.create(KEY)


def test_a_resource_type_the_stand_in_lacks_is_refused_with_one_line(tailscale: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        tailscale.check("tailscale:index/webhook:Webhook")
    assert "no resource type 'tailscale:index/webhook:Webhook'" in details(caught)
    assert "\n" not in details(caught)
