"""Whether the cluster has every node the settings name, and each of them is Ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A node that an update cannot count on: its name in the cluster, and what is wrong with it."""

    node: str
    what: str


def problems(expected: Sequence[str], nodes: Sequence[dict[str, Any]]) -> list[Problem]:
    """What is wrong with the `expected` nodes, given the cluster's Node objects; in that order."""
    found = {node["metadata"]["name"]: node for node in nodes}
    return [
        Problem(node=name, what=what)
        for name in expected
        if (what := _wrong(found.get(name))) is not None
    ]


def _wrong(node: dict[str, Any] | None) -> str | None:
    if node is None:
        return "the cluster has no node of that name"
    conditions = node.get("status", {}).get("conditions", [])
    ready = next((each for each in conditions if each["type"] == "Ready"), None)
    if ready is None:
        return "it has never reported that it is Ready"
    if ready["status"] == "True":
        return None
    since = ready.get("lastTransitionTime", "an unknown time")
    reason = ready.get("message") or ready.get("reason") or "no reason given"
    return f"NotReady since {since}: {reason}"
