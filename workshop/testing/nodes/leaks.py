"""Nothing but an exit node sends to a destination: watched on the wire, for the whole time.

What counts is packets to a destination, in the kernel: those that came from a pod other than an
exit node's, or from an address outside other than an exit node's own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address

from workshop.lab.home import LabError
from workshop.lab.network.wire import Wire
from workshop.testing.nodes.fleet import Fleet


@dataclass(frozen=True, kw_only=True)
class LeakWatch:
    """Counts from the moment it is made; `exit_pods` are the exit nodes' pods of that moment."""

    fleet: Fleet
    wire: Wire
    exit_pods: frozenset[IPv4Address]

    @classmethod
    def over(cls, fleet: Fleet) -> "LeakWatch":
        """Watch all nodes and the internet from now on, instead of any watch there was."""
        wire = Wire.tap(fleet.topology.internet, list(fleet.topology.nodes.values()))
        return cls(fleet=fleet, wire=wire, exit_pods=_exit_pods(fleet))

    def tried(self) -> int:
        """Packets to a destination that pods of no exit node sent, let out by their node or not."""
        pods = self._of_exit_nodes()
        return sum(n for pod, n in self.wire.tried_by_pods().items() if pod not in pods)

    def leaked(self) -> dict[IPv4Address, int]:
        """Packets so far by the pod, or the address outside, that should not have sent any."""
        pods = self._of_exit_nodes()
        outside = {plan.outside for plan in self.fleet.exit_plans}
        return {
            sender: count
            for senders, allowed in (
                (self.wire.from_pods(), pods),
                (self.wire.from_outside(), outside),
            )
            for sender, count in senders.items()
            if sender not in allowed
        }

    def _of_exit_nodes(self) -> frozenset[IPv4Address]:
        # One that was restarted meanwhile has another pod, and both are an exit node's.
        return self.exit_pods | _exit_pods(self.fleet)


@contextmanager
def nothing_leaks(fleet: Fleet) -> Iterator[Wire]:
    """No packet to a destination but an exit node's in the block."""
    watch = LeakWatch.over(fleet)
    yield watch.wire
    assert watch.leaked() == {}


def _exit_pods(fleet: Fleet) -> frozenset[IPv4Address]:
    found = set()
    for plan in fleet.exit_plans:
        try:
            found.add(fleet.exit_node(plan.name).address)
        except (LabError, KeyError):  # none now, or none that has an address yet
            continue
    return frozenset(found)
