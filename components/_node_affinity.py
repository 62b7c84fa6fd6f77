"""Which nodes a pod may run on, by the name each node carries as a label."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pulumi_kubernetes.core import v1 as core

HOSTNAME_LABEL = "kubernetes.io/hostname"


def by_hostname(
    operator: Literal["In", "NotIn"], hostnames: Iterable[str]
) -> core.NodeAffinityArgs:
    """A required node affinity: only on the nodes of these names, or on any but those."""
    requirement = core.NodeSelectorRequirementArgs(
        key=HOSTNAME_LABEL, operator=operator, values=list(hostnames)
    )
    return core.NodeAffinityArgs(
        required_during_scheduling_ignored_during_execution=core.NodeSelectorArgs(
            node_selector_terms=[core.NodeSelectorTermArgs(match_expressions=[requirement])]
        )
    )
