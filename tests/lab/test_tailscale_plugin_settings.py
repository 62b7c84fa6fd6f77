"""The tailscale plugin's look-ups, its errors and its settings."""

from collections.abc import Callable

import grpc
import pytest

from tests.lab.stand_in_processes import WORKER_KEY, Plugin, StandIn
from tests.plugin_process import details

KEY = "tailscale:index/tailnetKey:TailnetKey"
GET_DEVICE = "tailscale:index/getDevice:getDevice"


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
        ({}, "one (and only one) of"),
        ({"hostname": "a", "name": "b"}, "one (and only one) of"),
        ({"hostname": "a", "waitFor": "1s"}, "must be greater than 1 second, got: 1s"),
        ({"hostname": "a", "waitFor": "soon"}, "as a duration, got: soon"),
    ],
)
def test_a_lookup_that_makes_no_sense_is_refused(
    tailscale: Plugin, stand_in: StandIn, args: dict[str, str], reason: str
) -> None:
    (refusal,) = tailscale.refusals(GET_DEVICE, **args)
    assert reason in refusal
    assert stand_in.requests() == []


@pytest.mark.parametrize(("wait", "after"), [({}, ""), ({"waitFor": "1.5s"}, "within 1.5s: ")])
def test_a_lookup_of_a_device_that_never_comes_fails(
    tailscale: Plugin, stand_in: StandIn, wait: dict[str, str], after: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        tailscale.invoke(GET_DEVICE, hostname="ghost", **wait)
    assert details(caught).endswith(f'{after}could not find device with hostname="ghost"')
    # Once, and once a second: the end comes between two looks.
    assert len(stand_in.requests()) == (2 if wait else 1)


def test_devices_can_be_listed(tailscale: Plugin, stand_in: StandIn) -> None:
    key = stand_in.key(tags=["tag:exit", "tag:worker"])["key"]
    for name, tag in (("exit-a", "tag:exit"), ("exit-b", "tag:exit"), ("w-a", "tag:worker")):
        stand_in.log_in(key, name, tags=[tag])
    filters = [{"name": "tags", "values": ["tag:exit"]}]
    found = tailscale.invoke(
        "tailscale:index/getDevices:getDevices", filters=filters, namePrefix="exit-b"
    )
    assert [device["hostname"] for device in found["devices"]] == ["exit-b"]


@pytest.mark.parametrize("status", [429, 500])
def test_an_api_error_is_told_at_once_with_its_status_and_no_credential(
    tailscale: Plugin, stand_in: StandIn, status: int
) -> None:
    stand_in.lab.post("/lab/faults", json={"effect": "status", "status": status})
    with pytest.raises(grpc.RpcError) as caught:
        tailscale.create(KEY, **WORKER_KEY)
    message = f"fault ordered by the lab ({status})"
    assert details(caught) == f"Failed to create key: Error creating tailnet key: {message}"
    assert [request["method"] for request in stand_in.requests()] == ["POST"]


def test_settings_without_a_credential_are_refused(start_plugin: Callable[..., Plugin]) -> None:
    with pytest.raises(grpc.RpcError, match="credentials are empty"):
        start_plugin("tailscale").configure()
