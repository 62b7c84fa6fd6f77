"""DaemonSets in the nodes' own network, and how many nodes each could cut off at once."""

from collections.abc import Iterator

from operations.kubernetes.objects import status_of
from operations.preflight.finding import PreflightFinding, ok, warn
from operations.preflight.view import Kind, View
from operations.preflight.workload import pod_spec, title

# Kubernetes' own: network plugins and kube-proxy have to be there.
_SYSTEM = "kube-system"


def check(cluster: View) -> Iterator[PreflightFinding]:
    on_host = [
        daemon_set
        for daemon_set in cluster.items(Kind.DAEMON_SETS)
        if daemon_set["metadata"]["namespace"] != _SYSTEM
        and pod_spec(daemon_set).get("hostNetwork")
    ]
    for daemon_set in on_host:
        pods = status_of(daemon_set)
        yield warn(
            title(Kind.DAEMON_SETS, daemon_set),
            f"runs in the network of {pods.get('desiredNumberScheduled', 0)} nodes "
            f"({pods.get('numberReady', 0)} ready): a fault in it cuts off that many",
            "use pod networking, or bound it to single nodes by a nodeSelector",
        )
    if not on_host:
        yield ok("DaemonSets in the host network", f"none outside {_SYSTEM}")
