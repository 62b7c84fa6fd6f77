"""With two exit nodes the first is preferred, and all their addresses are the firewall's."""

import json
from typing import Any

import pytest

from workshop.testing.recording import Recording, record_stack

_EXIT_NODES = [
    {"node": "tethys", "hostname": "exit-tethys", "egressAddress": "157.173.210.123"},
    {"node": "styx", "hostname": "exit-styx", "egressAddress": "191.101.1.3"},
]


# The address of styx, which is retired in dev, is an exit node's here.
_FIREWALL = {"network": "ooer7tenangenjelkxbkgz6sdi"}


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record_stack("dev", exitNodes=_EXIT_NODES, firewall=_FIREWALL)


def _containers(recording: Recording) -> list[dict[str, Any]]:
    spec = recording.named("wave-fleet-gateway")["spec"]["template"]["spec"]
    containers: list[dict[str, Any]] = spec["containers"]
    return containers


def test_every_gateway_has_a_tailscaled_for_each(recording: Recording) -> None:
    names = [each["name"] for each in _containers(recording)]
    assert names == ["envoy", "tailscale-tethys", "tailscale-styx"]


def test_no_two_containers_of_a_gateway_share_a_port_or_a_socket(recording: Recording) -> None:
    ports = [p["containerPort"] for c in _containers(recording) for p in c["ports"]]
    assert len(ports) == len(set(ports))
    for variable in ("TS_SOCKET", "TS_STATE_DIR", "TS_SOCKS5_SERVER", "TS_TAILSCALED_EXTRA_ARGS"):
        values = [
            each["value"]
            for container in _containers(recording)[1:]
            for each in container["env"]
            if each["name"] == variable
        ]
        assert len(set(values)) == 2


def test_one_changes_after_the_other_and_the_preferred_one_last(recording: Recording) -> None:
    order = [
        name
        for each in recording.resources
        for name in ("tethys", "styx")
        if each.name.startswith(f"exit-{name}-") and each.typ.startswith("kubernetes:")
    ]
    assert order == ["styx"] * (len(order) // 2) + ["tethys"] * (len(order) // 2)


def test_all_their_addresses_are_outputs_in_order_of_preference(recording: Recording) -> None:
    assert recording.outputs["egressAddresses"] == ["157.173.210.123", "191.101.1.3"]


def test_the_gate_admits_either_address(recording: Recording) -> None:
    data = recording.named("gate-canary-program")["data"]
    document = json.loads(data["checks.json"])
    (check,) = [each for each in document["checks"] if each["name"] == "egress-address"]
    assert check["expected"] == ["157.173.210.123", "191.101.1.3"]


def test_the_peers_of_every_tailscaled_are_admitted(recording: Recording) -> None:
    rules = recording.named("gateway-clients")["spec"]["ingress"]
    ports = {p["port"] for rule in rules for p in rule["ports"] if p["protocol"] == "UDP"}
    assert ports == {41641, 41642}
