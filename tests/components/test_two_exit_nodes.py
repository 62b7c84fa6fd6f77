"""With two exit nodes the first is preferred, and all their addresses are the firewall's."""

import json

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
