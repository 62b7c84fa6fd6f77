"""Which resources of the running program hold which rule.

A resource that is renamed in a program is, to the engine, one to make and then one to delete. The
first adopts the rule, which is there already; the deletion of the second must then leave it.
"""

from __future__ import annotations

import threading
from collections import defaultdict

from providers.crunchybridge.rule import Rule


class Claims:
    """What this process has learnt from the engine; it lives for one operation."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: defaultdict[str, set[str]] = defaultdict(set)
        self._wanted: dict[str, Rule] = {}

    def hold(self, resource_id: str, urn: str) -> None:
        """`urn` has been seen to stand for the rule."""
        with self._lock:
            self._holders[resource_id].add(urn)

    def release(self, resource_id: str, urn: str) -> str | None:
        """`urn` is deleted: another resource that stands for the rule, or None."""
        with self._lock:
            holders = self._holders[resource_id]
            holders.discard(urn)
            return min(holders, default=None)

    def want(self, urn: str, rule: Rule) -> str | None:
        """`urn` asks for `rule` (its id means nothing): the other resource it overlaps, or None."""
        with self._lock:
            self._wanted[urn] = rule
            for other, theirs in self._wanted.items():
                same_side = (theirs.network_id, theirs.kind) == (rule.network_id, rule.kind)
                if other != urn and same_side and theirs.overlaps(rule.cidr):
                    return other
            return None
