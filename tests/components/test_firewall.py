"""The firewall admits the exit nodes, and the old addresses go last."""

import pytest

from components.firewall.crunchybridge import ListedRule
from components.firewall.firewall import unmanaged
from workshop.testing.recording import Recording, record_stack

_NETWORK = "ooer7tenangenjelkxbkgz6sdi"
_RULE = "crunchybridge:index:FirewallRule"


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record_stack("prod")


def test_the_exit_nodes_address_is_admitted(recording: Recording) -> None:
    (rule,) = recording.of_type(_RULE)
    assert rule["rule"] == "157.173.210.123/32"
    assert rule["networkId"] == _NETWORK


def test_what_is_listed_next_to_the_exit_nodes_is_admitted_too() -> None:
    extra = [{"cidr": "198.51.100.7/32", "description": "the office"}]
    recording = record_stack("dev", firewall={"network": _NETWORK, "extra": extra})
    rules = {each["rule"]: each["description"] for each in recording.of_type(_RULE)}
    assert rules["198.51.100.7/32"] == "the office"


def test_two_exit_nodes_behind_one_address_are_one_rule() -> None:
    address = "157.173.210.123"
    exit_nodes = [
        {"node": node, "hostname": f"exit-{node}", "egressAddress": address}
        for node in ("tethys", "styx")
    ]
    recording = record_stack("dev", exitNodes=exit_nodes, firewall={"network": _NETWORK})
    (rule,) = recording.of_type(_RULE)
    assert rule["rule"] == f"{address}/32"
    assert rule["description"] == "oceanid dev: exit node tethys, styx"


def test_a_rule_nobody_here_asked_for_is_unmanaged() -> None:
    rules = [
        ListedRule(id="a", rule="157.173.210.123/32", kind="ingress", description=None),
        ListedRule(id="b", rule="203.0.113.50/32", kind="ingress", description="by hand"),
        ListedRule(id="c", rule="203.0.113.60/32", kind="egress", description=None),
    ]
    assert [each.id for each in unmanaged(rules, {"157.173.210.123/32"})] == ["b"]
