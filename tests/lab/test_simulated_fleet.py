"""What the real stand-in of the tailnet shows of simulated pods."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.lab.simulated_cluster import Cluster, container, manifest
from tests.lab.stand_in_processes import StandIn
from workshop.lab.simulated_devices.fleet import Fleet
from workshop.lab.simulated_devices.tailnet import Tailnet


@dataclass
class Lab:
    """A fleet between a dictionary and the real stand-in."""

    stand_in: StandIn
    cluster: Cluster = field(default_factory=lambda: Cluster({"ns/state": {}}))
    clock: float = 0.0

    def __post_init__(self) -> None:
        self.log: list[str] = []
        self.fleet = self.restarted()

    def restarted(self) -> Fleet:
        tailnet = Tailnet(self.stand_in.url)
        return Fleet(self.cluster, tailnet, self.log.append, now=lambda: self.clock)

    def settle(self, *pods: Any) -> float | None:
        return self.fleet.settle(pods, set(self.cluster.secrets))

    def devices(self) -> dict[str, dict[str, Any]]:
        listed = self.stand_in.api.get("tailnet/-/devices", params={"fields": "all"}).json()
        return {device["hostname"]: device for device in listed["devices"]}


@pytest.fixture
def lab(stand_in: StandIn) -> Lab:
    return Lab(stand_in)


def test_a_device_with_state_keeps_its_id_and_address_over_a_new_pod(
    lab: Lab, stand_in: StandIn
) -> None:
    key = stand_in.key()["key"]
    spec = container(
        TS_AUTHKEY=key,
        TS_HOSTNAME="exit-a",
        TS_KUBE_SECRET="state",
        TS_EXTRA_ARGS="--advertise-exit-node --advertise-tags=tag:exit",
    )
    lab.settle(manifest(spec, uid="u1"))
    first = lab.devices()["exit-a"]
    assert first["enabledRoutes"] == ["0.0.0.0/0", "::/0"]
    lab.settle()
    assert lab.devices()["exit-a"]["connectedToControl"] is False
    lab.fleet = lab.restarted()
    lab.settle(manifest(spec, uid="u2"))
    second = lab.devices()["exit-a"]
    assert second["connectedToControl"] is True
    assert (second["nodeId"], second["addresses"]) == (first["nodeId"], first["addresses"])
    state = lab.cluster.secrets["ns/state"]
    assert state["device_id"].decode() == first["nodeId"]
    assert json.loads(state["device_ips"]) == first["addresses"]
    assert state["device_fqdn"].decode() == f"{first['name']}."


def test_a_device_goes_for_good_with_its_state_secret(lab: Lab, stand_in: StandIn) -> None:
    spec = container(TS_AUTHKEY=stand_in.key()["key"], TS_HOSTNAME="a", TS_KUBE_SECRET="state")
    lab.settle(manifest(spec))
    lab.settle()
    assert set(lab.devices()) == {"a"}
    del lab.cluster.secrets["ns/state"]
    lab.settle()
    assert lab.devices() == {}


def test_ephemeral_devices_one_a_container_go_with_their_pod(lab: Lab, stand_in: StandIn) -> None:
    key = stand_in.key(ephemeral=True, tags=["tag:worker"])["key"]
    pod = manifest(
        container("via-a", TS_AUTHKEY=key, TS_HOSTNAME="w-a", TS_KUBE_SECRET=""),
        container("via-b", TS_AUTHKEY=key, TS_HOSTNAME="w-b", TS_KUBE_SECRET=""),
        {"name": "envoy"},
    )
    lab.settle(pod)
    before = lab.devices()
    lab.fleet = lab.restarted()
    lab.settle(pod)
    assert lab.devices() == before
    assert set(before) == {"w-a", "w-b"}
    lab.settle(pod | {"status": {"phase": "Succeeded"}})
    assert lab.devices() == {}


def test_devices_that_came_from_elsewhere_are_left_alone(lab: Lab, stand_in: StandIn) -> None:
    stand_in.log_in(stand_in.key(ephemeral=True)["key"], "by-hand")
    lab.settle()
    assert set(lab.devices()) == {"by-hand"}


def test_a_device_taken_offline_by_a_test_stays_offline(lab: Lab, stand_in: StandIn) -> None:
    spec = container(TS_AUTHKEY=stand_in.key()["key"], TS_HOSTNAME="a", TS_KUBE_SECRET="state")
    lab.settle(manifest(spec))
    node_id = lab.devices()["a"]["nodeId"]
    stand_in.lab.post(f"/lab/devices/{node_id}/online", json={"online": False})
    lab.settle(manifest(spec))
    assert lab.devices()["a"]["connectedToControl"] is False


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"TS_AUTHKEY": "unknown"}, "does not exist or was revoked"),
        ({"TS_HOSTNAME": "no_label"}, "not a DNS label"),
        ({"TS_EXTRA_ARGS": "--advertise-tags=tag:ghost"}, r"tag:ghost"),
        ({"TS_EXTRA_ARGS": "oops"}, "no flag"),
        ({"TS_KUBE_SECRET": "missing"}, "does not exist"),
    ],
)
def test_a_login_that_fails_is_warned_of_once_and_tried_again(
    lab: Lab, stand_in: StandIn, environment: dict[str, str], reason: str
) -> None:
    good = {
        "TS_AUTHKEY": stand_in.key()["key"],
        "TS_HOSTNAME": "a",
        "TS_KUBE_SECRET": "state",
    }
    bad, mended = manifest(container(**good | environment)), manifest(container(**good))
    assert lab.settle(bad) == 1.0
    lab.clock += 1.0
    assert lab.settle(bad) == 2.0
    assert len(lab.cluster.warnings) == 1
    assert reason in lab.cluster.warnings[0]
    assert good["TS_AUTHKEY"] not in "".join([*lab.cluster.warnings, *lab.log])
    assert lab.devices() == {}
    lab.clock += 2.0
    assert lab.settle(mended) is None
    assert set(lab.devices()) == {"a"}


def test_a_service_account_that_may_not_write_its_state_registers_nothing(
    lab: Lab, stand_in: StandIn
) -> None:
    lab.cluster.may_patch = False
    spec = container(TS_AUTHKEY=stand_in.key()["key"], TS_HOSTNAME="a", TS_KUBE_SECRET="state")
    lab.settle(manifest(spec))
    assert lab.devices() == {}
    assert "cannot patch" in lab.cluster.warnings[0]
