"""The fleet's nodes carry their labels."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta


@dataclass(frozen=True, kw_only=True)
class FleetNodesArgs:
    """Labels by the node's name in the cluster."""

    labels: Mapping[str, Mapping[str, str]]


class FleetNodes(pulumi.ComponentResource):
    """Labels on nodes, by server-side apply: only these keys, and taken off when they leave."""

    def __init__(
        self, name: str, args: FleetNodesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:FleetNodes", name, None, opts)
        for node, labels in args.labels.items():
            if labels:
                core.NodePatch(
                    f"{name}-{node}",
                    metadata=meta.ObjectMetaPatchArgs(
                        name=node,
                        labels=dict(labels),
                        # A label that was set manually is taken over, rather than fought for.
                        annotations={"pulumi.com/patchForce": "true"},
                    ),
                    opts=pulumi.ResourceOptions(parent=self),
                )
        self.register_outputs({})
