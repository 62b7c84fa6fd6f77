"""Which nodes a pod may run on, by their own names or by the label that carries them."""

from collections.abc import Iterable
from typing import Literal

from pulumi_kubernetes.core import v1 as core

from .labels import HOSTNAME_LABEL


def by_hostname(
    operator: Literal["In", "NotIn"], hostnames: Iterable[str]
) -> core.NodeAffinityArgs:
    """A required node affinity: only on the nodes of these names, or on any but those."""
    requirement = core.NodeSelectorRequirementArgs(
        key=HOSTNAME_LABEL, operator=operator, values=list(hostnames)
    )
    return _required(core.NodeSelectorTermArgs(match_expressions=[requirement]))


def by_name(node: str) -> core.NodeAffinityArgs:
    """A required node affinity: only on the node of this name.

    As the DaemonSet controller binds its pods: two nodes may carry one label, but not one name.
    """
    requirement = core.NodeSelectorRequirementArgs(
        key="metadata.name", operator="In", values=[node]
    )
    return _required(core.NodeSelectorTermArgs(match_fields=[requirement]))


def _required(term: core.NodeSelectorTermArgs) -> core.NodeAffinityArgs:
    return core.NodeAffinityArgs(
        required_during_scheduling_ignored_during_execution=core.NodeSelectorArgs(
            node_selector_terms=[term]
        )
    )
