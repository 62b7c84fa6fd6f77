"""DaemonSets in the nodes' own network, and how many nodes each could cut off at once."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.kubectl import Kind, View
from preflight.result import Result, Verdict
from preflight.workload import pod_template
from settings import Settings

CHECK = "host-network"
# Kubernetes' own: network plugins and kube-proxy have to be there.
_SYSTEM = "kube-system"


def check(settings: Settings, cluster: View) -> Iterator[Result]:
    """A result for each DaemonSet with `hostNetwork` outside kube-system."""
    del settings
    found = 0
    for daemon_set in cluster.items(Kind.DAEMON_SETS):
        metadata = daemon_set["metadata"]
        spec = pod_template(daemon_set).get("spec", {})
        if metadata["namespace"] == _SYSTEM or not spec.get("hostNetwork"):
            continue
        found += 1
        status = daemon_set.get("status", {})
        wanted, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
        yield Result(
            check=CHECK,
            verdict=Verdict.WARN,
            where=f"DaemonSet {metadata['namespace']}/{metadata['name']}",
            what=f"runs in the network of {wanted} nodes ({ready} ready): a fault in it cuts off "
            "that many",
            remedy="use pod networking, or bound it to single nodes by a nodeSelector",
        )
    if not found:
        what = f"none outside {_SYSTEM}"
        yield Result(
            check=CHECK, verdict=Verdict.OK, where="DaemonSets in the host network", what=what
        )
