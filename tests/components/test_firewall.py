"""The firewall admits the exit nodes, and the old addresses go last."""

from __future__ import annotations

from typing import Any

import pytest

from components._crunchybridge import ListedRule
from components.firewall import unmanaged
from tests.components.recording import Recording, record_stack

_NETWORK = "ooer7tenangenjelkxbkgz6sdi"
_RULE = "crunchybridge:index:FirewallRule"


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record_stack("prod")


def test_the_exit_nodes_address_is_admitted(recording: Recording) -> None:
    (rule,) = recording.of_type(_RULE)
    assert rule["rule"] == "157.173.210.123/32"
    assert rule["networkId"] == _NETWORK


def test_old_addresses_are_resources_that_are_removed_by_their_turn(recording: Recording) -> None:
    (retired,) = recording.of_type("crunchybridge:index:RetiredRule")
    assert retired["rule"] == "191.101.1.3/32"


def test_what_is_listed_beside_the_exit_nodes_is_admitted_too() -> None:
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


@pytest.mark.parametrize(
    ("extra", "line"),
    [
        (
            {"cidr": "0.0.0.0/0", "description": "all"},
            'firewall.extra[0].cidr = "0.0.0.0/0": it admits the whole internet: ',
        ),
        (
            {"cidr": "198.51.0.0/16", "description": "much"},
            'firewall.extra[0].cidr = "198.51.0.0/16": it is wider than /24: ',
        ),
    ],
)
def test_an_open_rule_is_refused_in_the_settings(extra: dict[str, Any], line: str) -> None:
    with pytest.raises(Exception, match=r"firewall\.extra") as raised:
        record_stack("dev", firewall={"network": _NETWORK, "extra": [extra]})
    assert str(raised.value).startswith(f"oceanid-cluster:{line}")


def test_a_rule_nobody_here_asked_for_is_unmanaged() -> None:
    rules = [
        ListedRule(id="a", rule="157.173.210.123/32", kind="ingress", description=None),
        ListedRule(id="b", rule="203.0.113.50/32", kind="ingress", description="by hand"),
        ListedRule(id="c", rule="203.0.113.60/32", kind="egress", description=None),
    ]
    assert [each.id for each in unmanaged(rules, {"157.173.210.123/32"})] == ["b"]
