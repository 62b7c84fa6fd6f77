"""Which taints of nodes a pod may ignore."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from pulumi_kubernetes.core import v1 as core


@dataclass(frozen=True, kw_only=True)
class Toleration:
    """A toleration as Kubernetes has it; without `effect` it is for every effect of the taint."""

    key: str
    operator: str
    value: str | None = None
    effect: str | None = None
    toleration_seconds: int | None = None


def tolerated(tolerations: Iterable[Toleration]) -> list[core.TolerationArgs] | None:
    """A pod's `tolerations`; none at all when there are none, as the API server has it."""
    return [
        core.TolerationArgs(
            key=each.key,
            operator=each.operator,
            # An empty value is left out, as the API server leaves it out: a plan compares the two.
            value=each.value or None,
            effect=each.effect,
            toleration_seconds=each.toleration_seconds,
        )
        for each in tolerations
    ] or None


def documents(tolerations: Iterable[Toleration]) -> list[dict[str, str | int]]:
    """The tolerations with Kubernetes' own names, as a chart's values have them."""
    found = []
    for each in tolerations:
        document = {
            "key": each.key,
            "operator": each.operator,
            "value": each.value,
            "effect": each.effect,
            "tolerationSeconds": each.toleration_seconds,
        }
        found.append({key: value for key, value in document.items() if value is not None})
    return found


def as_json(tolerations: Iterable[Toleration]) -> str:
    """The same as one JSON list, for a program's argument."""
    return json.dumps(documents(tolerations))
