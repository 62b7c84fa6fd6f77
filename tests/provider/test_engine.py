"""Firewall rules under the real engine, with the plugin's process and the stand-in's."""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from providers.plugin.urn import parsed
from workshop.lab.processes import tree
from workshop.testing.provider_engine import Stack
from workshop.testing.provider_stand_in import StandIn

pytestmark = pytest.mark.e2e

EXIT = {"rule": "192.0.2.7", "description": "exit node"}
OFFICE = {"rule": "198.51.100.0/24"}
EXIT_RULE = ("192.0.2.7/32", "ingress", "exit node")
OFFICE_RULE = ("198.51.100.0/24", "ingress", None)


def _writes(stand_in: StandIn) -> list[str]:
    return [method for method, _ in stand_in.requests() if method != "GET"]


def _import(stack: Stack, name: str, given_id: str) -> None:
    options = ("--yes", "--skip-preview", "--generate-code=false", "--protect=false")
    stack.run("import", "crunchybridge:index:FirewallRule", name, given_id, *options)


def test_a_stack_goes_up_stays_and_goes_down(stack: Stack, stand_in: StandIn) -> None:
    foreign = stand_in.add("203.0.113.0/24", description="not ours")
    stack.set({"exit": EXIT, "office": OFFICE})
    stand_in.forget_requests()
    assert "3 to create" in stack.run("preview")
    assert _writes(stand_in) == []
    stack.up()
    assert stand_in.said() >= {EXIT_RULE, OFFICE_RULE}
    stand_in.forget_requests()
    assert "3 unchanged" in stack.up()
    # One page, and that is for the program's own question: none for a rule.
    assert stand_in.requests() == [("GET", stand_in.path)]
    stack.run("destroy", "--yes", "--skip-preview")
    assert [each["id"] for each in stand_in.rules()] == [foreign["id"]]


def test_drift_is_shown_and_mended(stack: Stack, stand_in: StandIn) -> None:
    stack.set({"exit": EXIT, "office": OFFICE})
    stack.up()
    stand_in.remove("192.0.2.7/32")
    (office,) = stand_in.rules()
    stand_in.api.patch(f"{stand_in.path}/{office['id']}", json={"description": "by hand"})
    shown = stack.run("refresh", "--preview-only", "--diff")
    assert 'description: "by hand"' in shown
    assert "1 to update" in shown
    assert "1 to delete" in shown
    stack.up("--refresh")
    assert stand_in.said() == {EXIT_RULE, OFFICE_RULE}


def test_an_imported_rule_has_nothing_left_to_change(stack: Stack, stand_in: StandIn) -> None:
    there = stand_in.add("192.0.2.7/32", description="exit node")
    stack.set({"exit": EXIT})
    _import(stack, "exit", f"{stand_in.network}/{there['id']}")
    stand_in.forget_requests()
    stack.run("preview", "--expect-no-changes", "--diff")
    assert _writes(stand_in) == []


def test_a_renamed_resource_keeps_its_rule(stack: Stack, stand_in: StandIn) -> None:
    stack.set({"exit": EXIT})
    stack.up()
    (before,) = stand_in.rules()
    stack.set({"exit-tethys": EXIT})
    told = stack.up()
    assert "adopted" in told
    assert "exit-tethys stands for it now" in told
    assert stand_in.rules() == [before]
    assert [parsed(each["urn"]).name for each in stack.state()] == ["exit-tethys"]


def test_rules_named_after_ipv6_ranges_come_go_and_are_imported(
    stack: Stack, stand_in: StandIn
) -> None:
    office, exit_node = "firewall-2001:db8:5::/64", "firewall-2001:db8::7/128"
    there = stand_in.add("2001:db8::7/128", description="exit node")
    wanted = {exit_node: {"rule": "2001:db8::7", "description": "exit node"}}
    stack.set(wanted)
    _import(stack, exit_node, f"{stand_in.network}/{there['id']}")
    stack.run("preview", "--expect-no-changes", "--diff")
    stack.set(wanted | {office: {"rule": "2001:db8:5::/64"}})
    assert "1 created" in stack.up()
    assert {parsed(each["urn"]).name for each in stack.state()} == {office, exit_node}
    assert "3 unchanged" in stack.up("--refresh")
    stack.set(wanted)
    assert "1 deleted" in stack.up()
    assert stand_in.rules() == [there]


def test_a_secret_description_is_in_no_output_and_no_plain_state(
    stack: Stack, stand_in: StandIn
) -> None:
    stack.set({"exit": EXIT | {"description": "quiet reef", "options": {"secret": True}}})
    told = stack.up("--diff")
    assert stand_in.said() == {("192.0.2.7/32", "ingress", "quiet reef")}
    assert "quiet reef" not in told
    assert "quiet reef" not in json.dumps(stack.state())


@pytest.mark.parametrize("victim", ["plugin", "engine", "both"])
def test_a_kill_between_request_and_state_loses_and_doubles_nothing(
    stack: Stack, stand_in: StandIn, victim: str
) -> None:
    rules = {f"rule-{n}": {"rule": f"10.0.{n}.0/24", "description": f"{n}"} for n in range(6)}
    stack.set(rules)
    # The answers to what has been applied are held back, and the kill comes before them. All of
    # them, so that the engine is not writing: its file backend can lose a state half written.
    stand_in.fault("slow", method="POST", after=True, seconds=600, count=6)
    engine = stack.start("up", "--yes", "--skip-preview", "--parallel=16")
    while len(stand_in.rules()) < 6:
        assert engine.poll() is None
    plugins = _plugins_of(engine.pid)
    assert plugins
    if victim != "plugin":
        os.kill(engine.pid, signal.SIGKILL)
    if victim != "engine":
        for pid in plugins:
            # It may have ended with its engine.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    engine.communicate(timeout=60)
    if victim != "plugin":
        stack.run("cancel", "--yes")
    stack.up("--refresh")
    wanted = {(f"10.0.{n}.0/24", "ingress", f"{n}") for n in range(6)}
    assert stand_in.said() == wanted
    assert "7 unchanged" in stack.up("--refresh")
    stack.run("destroy", "--yes", "--skip-preview")
    assert stand_in.rules() == []


def _plugins_of(engine: int) -> list[int]:
    """The plugin's processes that descend from the engine."""
    return [
        pid
        for pid in tree(engine)
        if b"providers/crunchybridge" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def test_the_plugin_is_no_burden_on_a_program_without_rules(
    stack: Stack, stand_in: StandIn
) -> None:
    (stack.folder / "__main__.py").write_text("")
    stand_in.forget_requests()
    environment = {k: v for k, v in stack.engine.environment.items() if not k.startswith("CRUNCHY")}
    stack.engine.environment = environment
    stack.up()
    assert stand_in.requests() == []


def test_five_hundred_rules_are_refreshed_by_page(stack: Stack, stand_in: StandIn) -> None:
    stack.set({f"rule-{n}": {"rule": f"10.{n // 256}.{n % 256}.0/24"} for n in range(500)})
    stack.up()
    stand_in.forget_requests()
    stack.run("refresh", "--yes", "--skip-preview")
    listings = len(stand_in.requests())
    # Five pages a listing, and a listing anew every five seconds should the engine take long; a
    # question for each rule would be five hundred.
    assert listings % 5 == 0
    assert listings <= 100
    assert _writes(stand_in) == []
