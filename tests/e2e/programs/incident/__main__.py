"""The DaemonSet of the incident report of 13 October 2025, in each way it could come by Pulumi.

The configuration value `incident:variant` chooses the way.
"""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

LABELS = {"app": "tailscale-worker"}


def worker(*, host_network: pulumi.Input[bool], host_pid: bool = True) -> dict[str, Any]:
    """The spec of the incident's DaemonSet, with hostNetwork and hostPID as given."""
    return {
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "hostNetwork": host_network,
                "hostPID": host_pid,
                "tolerations": [{"operator": "Exists"}],
                "containers": [
                    {
                        "name": "tailscale",
                        "image": "tailscale/tailscale:v1.78.3",
                        "securityContext": {"privileged": True},
                        "env": [
                            {
                                "name": "TS_EXTRA_ARGS",
                                "value": "--exit-node=100.121.150.65 --exit-node-allow-lan-access",
                            }
                        ],
                    }
                ],
            },
        },
    }


def plain() -> None:
    metadata = {"name": "tailscale-worker", "namespace": "default"}
    kubernetes.apps.v1.DaemonSet("worker", metadata=metadata, spec=worker(host_network=True))


def unknown() -> None:
    """hostNetwork comes from a resource that does not exist before the update."""
    source = kubernetes.core.v1.ConfigMap("source", data={"hostNetwork": "true"})
    metadata = {"name": "tailscale-worker", "namespace": "default"}
    spec = worker(host_network=source.id.apply(lambda _: True), host_pid=False)
    kubernetes.apps.v1.DaemonSet("worker", metadata=metadata, spec=spec)


def patch() -> None:
    kubernetes.apps.v1.DaemonSetPatch(
        "worker",
        metadata={"name": "node-agent", "namespace": "default"},
        spec={"template": {"spec": {"hostNetwork": True}}},
    )


def config_group() -> None:
    document = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "tailscale-worker", "namespace": "default"},
        "spec": worker(host_network=True),
    }
    kubernetes.yaml.v2.ConfigGroup("worker", objs=[document])


VARIANTS = {
    "plain": plain,
    "unknown": unknown,
    "patch": patch,
    "config-group": config_group,
}
VARIANTS[pulumi.Config().require("variant")]()
