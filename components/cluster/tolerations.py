"""The taints that a pod may ignore, as its specification has them."""

from collections.abc import Iterable

from pulumi_kubernetes.core import v1 as core

from .toleration import Toleration


def tolerated(tolerations: Iterable[Toleration]) -> list[core.TolerationArgs] | None:
    """A pod's `tolerations`; none at all when there are none, as the API server has it."""
    return [
        core.TolerationArgs(
            key=toleration.key,
            operator=toleration.operator,
            # An empty value is left out, as the API server leaves it out: a plan compares the two.
            value=toleration.value or None,
            effect=toleration.effect,
            toleration_seconds=toleration.toleration_seconds,
        )
        for toleration in tolerations
    ] or None
