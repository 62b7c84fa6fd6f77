"""The outage of 13 October 2025: what takes a node away, what is left, and what brings it back."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.network.incident import (
    FIREWALLS,
    approved,
    incident_on,
    incident_without_policies,
)
from tests.network.node_state import state
from tests.network.witness import Witness
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import CALYPSO, STYX, TETHYS
from workshop.lab.outage.console import NodeConsole, runbook
from workshop.lab.outage.incident import Incident
from workshop.testing.nodes.clients import client_on
from workshop.testing.nodes.fleet import Fleet, fleet
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_CHECK, _END, _REMOVE, _VERIFY = (block.text for block in runbook())
_SECONDS_TO_HEAR = 10.0
_RULES = {
    "5210: from all fwmark 0x80000/0xff0000 lookup main",
    "5230: from all fwmark 0x80000/0xff0000 lookup default",
    "5250: from all fwmark 0x80000/0xff0000 unreachable",
    "5270: from all lookup 52",
}
_CHAINS = {
    "filter FORWARD": "a jump",
    "filter INPUT": "a jump",
    "filter ts-forward": "its own",
    "filter ts-input": "its own",
    "mangle OUTPUT": "a mark",
    "mangle PREROUTING": "a mark",
    "nat POSTROUTING": "a jump",
    "nat ts-postrouting": "its own",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet(tmp_path_factory.mktemp("fleet")) as made:
        # The witnesses' pods, so that their cables belong to what was there before.
        for node in (STYX.name, CALYPSO.name):
            made.application(node)
        yield made


@pytest.fixture(scope="module")
def incident(running: Fleet) -> Incident:
    return incident_without_policies(running)


def test_with_the_policies_its_daemon_set_is_refused_with_the_remedy(running: Fleet) -> None:
    answer = Incident(home=running.home, kube=running.kube).refusal(STYX.name)
    assert answer is not None
    # Several do; the API server tells of one.
    assert "ValidatingAdmissionPolicy 'oceanid-" in answer
    assert "Remedy: " in answer


@pytest.mark.parametrize("node", [STYX.name, CALYPSO.name])
def test_its_daemon_set_takes_the_node_from_its_api_server_and_its_pods_from_everything(
    running: Fleet, incident: Incident, node: str
) -> None:
    with Witness.of(running, node) as witness:
        assert witness.sees() == witness.everything()
        with incident_on(incident, node):
            assert witness.sees() == witness.on_the_node()


def test_deleting_it_at_once_helps_for_the_kubelet_hears_on_its_open_connection(
    running: Fleet, incident: Incident
) -> None:
    # What the API server sends arrives still; only the node's own packets go astray.
    with (
        Witness.of(running, STYX.name) as witness,
        incident_on(incident, STYX.name) as console,
    ):
        assert not console.reaches_api_server()
        incident.delete()
        until(lambda: not console.tailscale_runs(), "the kubelet ends the pod")
        until(console.reaches_api_server, "the node is back")
        assert witness.sees_anew() == witness.everything()


def test_deleting_it_once_the_node_is_not_ready_does_not_help(incident: Incident) -> None:
    with incident_on(incident, STYX.name) as console:
        until(lambda: STYX.name in incident.not_ready(), "it is NotReady")
        incident.delete()
        time.sleep(_SECONDS_TO_HEAR)
        assert console.tailscale_runs()
        assert not console.reaches_api_server()


def test_with_the_exit_node_approved_only_new_connections_of_the_node_itself_are_left(
    running: Fleet, incident: Incident
) -> None:
    with (
        approved(incident),
        Witness.of(running, STYX.name) as witness,
        incident_on(incident, STYX.name),
    ):
        # SSH's answers, its pods and all that was open are lost: the exit node knows none of them.
        left = {"api"} | witness.on_the_node()
        until(lambda: witness.sees() == left, f"no more and no less than {left} answers")


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_the_runbook_removes_all_that_a_killed_process_leaves_and_brings_the_node_back(
    running: Fleet, incident: Incident, firewall: str
) -> None:
    node = running.topology.nodes[STYX.name].namespace
    before = state(node)
    with (
        Witness.of(running, STYX.name) as witness,
        incident_on(incident, STYX.name, firewall=firewall) as console,
    ):
        assert "link tailscale0" in state(node) - before
        witness.sends_by_udp()
        assert "dev tailscale0" in _run(console, _CHECK)
        assert console.run(_VERIFY).returncode != 0
        console.stop_kubelet()
        _run(console, _END)
        until(lambda: not console.tailscale_runs(), "its processes are gone")
        _assert_left(state(node) - before, firewall)
        # The kernel goes on sending a pod's packets as it did then: without NAT, so unanswered.
        assert witness.address_by_udp() == witness.pod_address
        for text in (_REMOVE, _REMOVE):
            _run(console, text)
        assert "the API server answers" in _run(console, _VERIFY)
        assert witness.sees_anew() == witness.everything()
        # What the kernel remembers of a pod's traffic would have it leave without NAT.
        assert witness.address_by_udp() == STYX.outside
        assert state(node) == before


def _assert_left(left: set[str], firewall: str) -> None:
    """Rules, tables and chains are left, and no interface."""
    assert {line.removeprefix("-4 rule ") for line in left if "-4 rule" in line} == _RULES
    assert {line.removeprefix("-6 rule ") for line in left if "-6 rule" in line} == _RULES
    assert {line for line in left if " route " in line} == {
        "-4 route throw 127.0.0.0/8 table 52",
        "-6 route throw fe80::/64 dev lo table 52 metric 1024 pref medium",
    }
    families = ("nft ip", "nft ip6") if firewall == "nftables" else ("iptables", "ip6tables")
    assert _written_to(left) == {f"{each} {c}" for each in families for c in _CHAINS}
    assert "sysctl net.ipv4.conf.all.src_valid_mark = 1" in left
    assert "link tailscale0" not in left


def test_the_runbook_ends_no_tailscaled_of_a_pods_network(
    incident: Incident, tmp_path: Path
) -> None:
    with incident_on(incident, CALYPSO.name) as console:
        # Named as a gateway's is, in a network of its own, and seen in the node's process table.
        namesake = tmp_path / "tailscaled"
        namesake.symlink_to("/bin/sleep")
        console.run(f"unshare --net {namesake} 600 >/dev/null 2>&1 & sleep 0.2")
        console.stop_kubelet()
        _run(console, _END)
        _run(console, _REMOVE)
        shown = console.run("pgrep -x -a 'containerboot|tailscaled'").stdout
    assert re.fullmatch(rf"\d+ {namesake} 600\n", shown)


def test_the_incidents_own_notes_take_every_route_away() -> None:
    node = Namespace.make("node")
    try:
        node.ip("route add default dev lo")
        assert "dev lo" in node.run(["ip", "route", "get", "203.0.113.10"])
        node.run(["ip", "rule", "flush"])
        assert node.run(["ip", "rule"]).split() == ["0:", "from", "all", "lookup", "local"]
    finally:
        node.end()


def test_by_our_design_the_node_and_its_pods_are_not_touched(running: Fleet) -> None:
    node = running.topology.nodes[STYX.name].namespace
    with Witness.of(running, STYX.name) as witness:
        before = state(node)
        running.start_gateways()
        running.until_gateways()
        assert state(node) == before
        assert witness.sees() == witness.everything()
        assert client_on(running, STYX.name).address_by_database() == str(TETHYS.outside)


def _run(console: NodeConsole, text: str) -> str:
    """A block of the runbook, as it stands, in a shell that stops at the first error."""
    done = console.run(text)
    assert done.returncode == 0, done
    return done.stdout


def _written_to(lines: set[str]) -> set[str]:
    """`nft ip filter INPUT` for each chain with a rule among the lines."""
    found = set()
    for line in lines:
        if line.startswith("nft "):
            found.add(" ".join(line.split()[:4]).rstrip(":"))
        elif rule := re.match(r"(ip6?tables \w+) -A (\S+)", line):
            found.add(f"{rule[1]} {rule[2]}")
    return found
