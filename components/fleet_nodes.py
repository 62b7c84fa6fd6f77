"""The fleet's nodes: they are there and Ready before anything changes, and carry their labels."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_command
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta


def require_ready(nodes: Sequence[str], *, context: str, stop: bool) -> None:
    """Ask the cluster for `nodes` before any resource is registered.

    One that is missing or NotReady is a warning; with `stop` it ends the program, by
    pulumi.RunError with a line for each.
    """
    command = [sys.executable, "-m", "preflight", "--context", context, *nodes]
    answer = pulumi_command.local.run(
        command=shlex.join(command), logging=pulumi_command.local.Logging.NONE
    )
    lines = [
        f"node {each['node']}: {each['what']}: mend the node, or take it out of the settings"
        for each in json.loads(answer.stdout)
    ]
    if lines and stop:
        raise pulumi.RunError("\n".join([*lines, "nothing has been changed"]))
    for line in lines:
        pulumi.log.warn(line)


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
                        # A label set by hand before is taken over rather than fought for.
                        annotations={"pulumi.com/patchForce": "true"},
                    ),
                    opts=pulumi.ResourceOptions(parent=self),
                )
        self.register_outputs({})
