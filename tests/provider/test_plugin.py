"""The plugin: a real process over gRPC, against the real stand-in."""

from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from providers.plugin.property_value import UNKNOWN, Secret
from tests.plugin_process import details
from tests.provider.plugin import Plugin
from workshop.lab.crunchybridge_api.eid import new_eid
from workshop.testing.provider_stand_in import StandIn

ADDRESS = "192.0.2.7"


def test_a_rule_lives_and_dies(plugin: Plugin, stand_in: StandIn) -> None:
    network = stand_in.network
    made, outputs = plugin.make(networkId=network, rule=ADDRESS, description="exit node")
    (rule,) = stand_in.rules()
    assert made == f"{network}/{rule['id']}"
    assert outputs == {
        "networkId": network,
        "rule": "192.0.2.7/32",
        "kind": "ingress",
        "description": "exit node",
        "ruleId": rule["id"],
        "teamId": rule["team_id"],
    }
    changed = plugin.change(made, outputs, networkId=network, rule="192.0.2.8")
    assert stand_in.said() == {("192.0.2.8/32", "ingress", None)}
    assert plugin.read("rule", made, changed, {})[1] == changed
    plugin.delete("rule", made, {})
    assert stand_in.said() == set()
    plugin.delete("rule", made, {})


def test_no_input_is_put_in_order_unseen(plugin: Plugin, stand_in: StandIn) -> None:
    inputs, failures = plugin.check(
        networkId=stand_in.network, rule="2001:DB8:0::7", description="", kind="egress"
    )
    assert failures == []
    assert inputs == {
        "networkId": stand_in.network,
        "rule": "2001:db8::7/128",
        "kind": "egress",
    }


def test_what_is_no_rule_is_refused_by_name(plugin: Plugin, stand_in: StandIn) -> None:
    _, failures = plugin.check(networkId="reef", rule="192.0.2.300", kind="both", colour="red")
    told = "\n".join(failures)
    assert "'colour' is not a property of this resource" in told
    assert "'networkId': 'reef' is not an id of a network" in told
    assert "'rule': '192.0.2.300' is not an address range" in told
    assert "'kind': 'both' is not one of ingress, egress" in told
    assert plugin.check(networkId=stand_in.network)[1] == ["'rule' is required"]
    assert plugin.check(networkId=stand_in.network, rule=7)[1] == ["'rule': must be text, not int"]


def test_a_bad_secret_is_refused_without_being_shown(plugin: Plugin, stand_in: StandIn) -> None:
    _, failures = plugin.check(networkId=stand_in.network, rule=Secret("not-for-logs"))
    assert failures == ["'rule': the secret value is not valid"]


def test_two_resources_that_overlap_are_refused_in_the_preview(
    plugin: Plugin, stand_in: StandIn
) -> None:
    assert plugin.check("wide", networkId=stand_in.network, rule="192.0.2.0/24")[1] == []
    assert plugin.check("elsewhere", networkId=new_eid(), rule=ADDRESS)[1] == []
    assert plugin.check("narrow", networkId=stand_in.network, rule=ADDRESS)[1] == [
        "'rule': 192.0.2.7/32 overlaps that of 'wide', and rules cannot overlap: keep one"
    ]


def test_a_preview_asks_the_api_nothing_and_knows_what_it_can(
    plugin: Plugin, stand_in: StandIn
) -> None:
    stand_in.forget_requests()
    made, outputs = plugin.make(
        preview=True, networkId=UNKNOWN, rule=UNKNOWN, description=Secret("quiet")
    )
    assert made == ""
    assert outputs == {
        "networkId": UNKNOWN,
        "rule": UNKNOWN,
        "kind": "ingress",
        "description": Secret("quiet"),
        "ruleId": UNKNOWN,
        "teamId": UNKNOWN,
    }
    state = outputs | {"networkId": stand_in.network, "rule": "192.0.2.7/32", "ruleId": new_eid()}
    changed = plugin.change("id", state, preview=True, networkId=stand_in.network, rule=UNKNOWN)
    assert changed["rule"] is UNKNOWN
    assert changed["ruleId"] == state["ruleId"]
    assert stand_in.requests() == []


def test_an_unknown_is_never_sent(plugin: Plugin, stand_in: StandIn) -> None:
    stand_in.forget_requests()
    with pytest.raises(grpc.RpcError) as caught:
        plugin.make(networkId=stand_in.network, rule=UNKNOWN)
    assert details(caught) == "'rule' is still unknown: nothing was done"
    assert stand_in.requests() == []


def test_what_is_secret_stays_secret(plugin: Plugin, stand_in: StandIn) -> None:
    made, outputs = plugin.make(
        networkId=stand_in.network, rule=Secret(ADDRESS), description="plain"
    )
    assert outputs["rule"] == Secret("192.0.2.7/32")
    assert outputs["description"] == "plain"
    _, read, inputs = plugin.read("rule", made, outputs, {})
    assert read == outputs
    assert inputs["rule"] == Secret("192.0.2.7/32")


def test_a_diff_says_what_changes_and_how(plugin: Plugin, stand_in: StandIn) -> None:
    state: dict[str, Any] = {
        "networkId": stand_in.network,
        "rule": "192.0.2.7/32",
        "kind": "ingress",
        "description": "old",
    }
    kinds = provider_pb2.PropertyDiff

    def diff(**changes: Any) -> provider_pb2.DiffResponse:
        return plugin.compared("rule", "id", state, state, state | changes)

    same = diff(rule=ADDRESS)
    assert same.changes == same.DIFF_NONE
    in_place = plugin.compared(
        "rule", "id", state, state, state | {"rule": "192.0.2.8/32", "description": None}
    )
    assert in_place.changes == in_place.DIFF_SOME
    assert {name: each.kind for name, each in in_place.detailedDiff.items()} == {
        "rule": kinds.UPDATE,
        "description": kinds.DELETE,
    }
    assert list(in_place.replaces) == []
    anew = diff(kind="egress", networkId=UNKNOWN)
    assert sorted(anew.replaces) == ["kind", "networkId"]
    assert anew.deleteBeforeReplace
    assert anew.detailedDiff["kind"].kind == kinds.UPDATE_REPLACE


def test_an_identical_rule_is_adopted_and_the_user_is_told(
    plugin: Plugin, stand_in: StandIn
) -> None:
    there = stand_in.add("192.0.2.7/32", description="typed by hand")
    made, outputs = plugin.make(networkId=stand_in.network, rule=ADDRESS, description="ours")
    assert made.endswith(there["id"])
    assert outputs["description"] == "ours"
    assert stand_in.said() == {("192.0.2.7/32", "ingress", "ours")}
    ((_, told),) = plugin.engine.messages
    assert told == (f"adopted {made} (ingress 192.0.2.7/32 'typed by hand'): it was there already")


def test_an_overlap_is_told_by_the_name_of_the_other_rule(
    plugin: Plugin, stand_in: StandIn
) -> None:
    there = stand_in.add("192.0.2.0/24", description="office")
    with pytest.raises(grpc.RpcError) as caught:
        plugin.make(networkId=stand_in.network, rule=ADDRESS)
    told = details(caught)
    assert f"rule 192.0.2.7/32 overlaps the rule {stand_in.network}/{there['id']}" in told
    assert (
        "(ingress 192.0.2.0/24 'office'), and rules cannot overlap: remove that one first" in told
    )
    assert "request id " in told
    assert "\n" not in told


def test_a_rule_removed_by_another_hand_is_gone_for_refresh_and_no_rule_for_import(
    plugin: Plugin, stand_in: StandIn
) -> None:
    made, outputs = plugin.make(networkId=stand_in.network, rule=ADDRESS)
    stand_in.remove("192.0.2.7/32")
    assert plugin.read("rule", made, outputs, {}) == ("", {}, {})
    with pytest.raises(grpc.RpcError) as caught:
        plugin.read("rule", made, {}, {})
    assert details(caught).startswith(f"there is no rule {made} to import")
    with pytest.raises(grpc.RpcError) as caught:
        plugin.read("rule", "rule-7", {}, {})
    assert "it has the form NETWORK_ID/RULE_ID" in details(caught)
    with pytest.raises(grpc.RpcError) as caught:
        plugin.change(made, outputs, networkId=stand_in.network, rule="192.0.2.8")
    assert "removed by another hand: run `pulumi up --refresh`" in details(caught)


def test_a_wrong_network_is_never_taken_for_rules_that_are_gone(
    plugin: Plugin, stand_in: StandIn
) -> None:
    network, rule = new_eid(), new_eid()
    with pytest.raises(grpc.RpcError) as caught:
        plugin.read("rule", f"{network}/{rule}", {"networkId": network, "rule": "192.0.2.7/32"}, {})
    assert f"network {network} is not found" in details(caught)


def test_the_listing_of_all_rules_is_a_function(plugin: Plugin, stand_in: StandIn) -> None:
    there = stand_in.add("192.0.2.0/24", description="office")
    assert plugin.invoke("crunchybridge:index:getFirewallRules", networkId=stand_in.network) == {
        "rules": [
            {
                "id": there["id"],
                "rule": "192.0.2.0/24",
                "kind": "ingress",
                "description": "office",
            }
        ]
    }
    with pytest.raises(grpc.RpcError) as caught:
        plugin.invoke("crunchybridge:index:getFirewallRules", networkId="reef")
    assert "'reef' is not a network's id" in details(caught)
