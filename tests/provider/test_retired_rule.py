"""Retiring a range: a real plugin process against the real stand-in, and the real engine."""

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from providers.plugin.property_value import UNKNOWN, decode, encode
from tests.plugin_process import details
from tests.provider.plugin import Plugin
from workshop.testing.provider_engine import Stack
from workshop.testing.provider_stand_in import StandIn

# Named as the firewall names it: after its range, which may be one of IPv6.
URN = "urn:pulumi:test::reef::crunchybridge:index:RetiredRule::firewall-retired-2001:db8::/64"


def _create(plugin: Plugin, stand_in: StandIn, *, preview: bool = False) -> dict[str, object]:
    news = {"networkId": stand_in.network, "rule": "192.0.2.7"}
    checked = plugin.stub.Check(provider_pb2.CheckRequest(urn=URN, news=encode(news)))
    assert not checked.failures
    request = provider_pb2.CreateRequest(urn=URN, properties=checked.inputs, preview=preview)
    return decode(plugin.stub.Create(request).properties)


def test_a_rule_of_another_hand_is_retired_and_no_other(plugin: Plugin, stand_in: StandIn) -> None:
    legacy = stand_in.add("192.0.2.7/32", description="styx")
    stand_in.add("192.0.2.8/32")
    assert _create(plugin, stand_in, preview=True)["removed"] is UNKNOWN
    assert len(stand_in.rules()) == 2
    assert _create(plugin, stand_in)["removed"] == legacy["id"]
    assert stand_in.said() == {("192.0.2.8/32", "ingress", None)}
    ((_, told),) = plugin.engine.messages
    assert told.startswith(f"retired {stand_in.network}/{legacy['id']}")
    assert _create(plugin, stand_in)["removed"] == ""


def test_a_rule_that_a_resource_stands_for_is_never_retired(
    plugin: Plugin, stand_in: StandIn
) -> None:
    plugin.make("exit", networkId=stand_in.network, rule="192.0.2.7")
    with pytest.raises(grpc.RpcError) as caught:
        _create(plugin, stand_in)
    assert "is to be retired, but 'exit' stands for it" in details(caught)
    assert len(stand_in.rules()) == 1


@pytest.mark.e2e
def test_a_legacy_rule_goes_after_what_it_waits_for_and_again_when_it_comes_back(
    stack: Stack, stand_in: StandIn
) -> None:
    program = stack.folder / "__main__.py"
    text = program.read_text().replace("import FirewallRule,", "import FirewallRule, RetiredRule,")
    program.write_text(
        f"{text}RetiredRule('legacy', network_id={stand_in.network!r}, rule='192.0.2.7',"
        " opts=pulumi.ResourceOptions(depends_on=[rule]))\n"
    )
    stack.set({"exit": {"rule": "198.51.100.9"}})
    stand_in.add("192.0.2.7/32")
    stand_in.fault("status", method="POST", status=429, retry_after=3600)
    stack.up(fails=True)
    assert stand_in.said() == {("192.0.2.7/32", "ingress", None)}
    stack.up()
    exit_only = {("198.51.100.9/32", "ingress", None)}
    assert stand_in.said() == exit_only
    stand_in.add("192.0.2.7/32")
    stack.up("--refresh")
    assert stand_in.said() == exit_only
    stack.run("destroy", "--yes", "--skip-preview")
    assert stand_in.rules() == []
