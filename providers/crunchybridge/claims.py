"""Which resources of the running program hold which rule.

A resource that is renamed in a program is, to the engine, one to make and then one to delete. The
first adopts the rule, which is there already; the deletion of the second must then leave it.
"""

import threading
from collections import defaultdict

from providers.crunchybridge.rule import FirewallRule


class Claims:
    """What this process has learnt from the engine; it lives for one operation."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: defaultdict[str, set[str]] = defaultdict(set)
        self._adopters: dict[str, str] = {}
        self._leavers: dict[str, str] = {}
        self._readers: dict[str, str] = {}
        self._wanted: dict[str, FirewallRule] = {}

    def hold(self, resource_id: str, urn: str) -> None:
        """`urn` has been seen to stand for the rule."""
        with self._lock:
            self._holders[resource_id].add(urn)

    def holder(self, resource_id: str) -> str | None:
        with self._lock:
            return min(self._holders[resource_id], default=None)

    def release(self, resource_id: str, urn: str) -> str | None:
        """`urn` is deleted: another resource that stands for the rule, or None."""
        with self._lock:
            if self._leavers.get(resource_id) == urn:
                del self._leavers[resource_id]
            holders = self._holders[resource_id]
            holders.discard(urn)
            return min(holders, default=None)

    def adopt(self, resource_id: str, urn: str) -> str | None:
        """`urn` takes over the rule, unless another resource is about to change it: that one."""
        with self._lock:
            leaver = self._leavers.get(resource_id)
            if leaver in (None, urn):
                self._adopters[resource_id] = urn
                self._holders[resource_id].add(urn)
                return None
            return leaver

    def adopted_by_other(self, resource_id: str, urn: str) -> str | None:
        """Another resource that has taken over the rule `urn` stood for, or None."""
        with self._lock:
            adopter = self._adopters.get(resource_id)
            return None if adopter == urn else adopter

    def leave(self, resource_id: str, urn: str) -> None:
        """`urn` will change what the rule says, so that nobody else may rely on it.

        Only a resource that the program has been heard to want: a refresh compares all there are.
        """
        with self._lock:
            if urn in self._wanted:
                self._leavers[resource_id] = urn

    def left(self, resource_id: str, urn: str) -> None:
        """`urn` has changed, or failed to change, what the rule says."""
        with self._lock:
            if self._leavers.get(resource_id) == urn:
                del self._leavers[resource_id]

    def first_reader(self, resource_id: str, urn: str) -> bool:
        """Whether `urn` is the one resource that a refresh finds to stand for the rule.

        An engine that is killed between the two steps of a rename leaves two in its state. Were
        both kept, each would change the rule to what it wants itself.
        """
        with self._lock:
            first = self._readers.setdefault(resource_id, urn) == urn
            if not first:
                self._holders[resource_id].discard(urn)
            return first

    def want(self, urn: str, rule: FirewallRule) -> str | None:
        """`urn` asks for `rule` (its id means nothing): the other resource it overlaps, or None."""
        with self._lock:
            self._wanted[urn] = rule
            for other, theirs in self._wanted.items():
                same_side = (theirs.network_id, theirs.kind) == (rule.network_id, rule.kind)
                if other != urn and same_side and theirs.overlaps(rule.cidr):
                    return other
            return None
