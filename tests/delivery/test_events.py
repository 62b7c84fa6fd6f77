"""What is read out of the engine's events."""

from __future__ import annotations

from typing import Any

from operations.delivery import events

_NAME = "firewall-2001:db8:5::/64"
_TYPE = "oceanid:index:Firewall$crunchybridge:index:FirewallRule"
_URN = f"urn:pulumi:dev::oceanid-cluster::{_TYPE}::{_NAME}"


def test_a_change_of_a_rule_for_an_ipv6_range_has_its_whole_name() -> None:
    metadata = {"op": "create", "type": "crunchybridge:index:FirewallRule", "urn": _URN}
    preview = events.parse([{"resourcePreEvent": {"metadata": metadata}}])
    (change,) = preview.changes
    assert (change.kind, change.name) == ("FirewallRule", _NAME)


def test_a_finding_names_its_resource_whole_and_one_of_the_stack_names_none() -> None:
    finding: dict[str, Any] = {
        "policyName": "open-rule",
        "message": "A rule must be narrow.\nit is not",
        "enforcementLevel": "mandatory",
    }
    found = events.parse(
        [{"policyEvent": {**finding, "resourceUrn": _URN}}, {"policyEvent": finding}]
    ).findings
    assert [each.resource for each in found] == [_NAME, ""]
