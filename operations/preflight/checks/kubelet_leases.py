"""Whether every node's kubelet has lately renewed its Lease.

A node stays Ready for a while after its kubelet has stopped; an update must not start then.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from operations.kubernetes.client import Document
from operations.kubernetes.objects import labels_of, name_of
from operations.preflight.finding import PreflightFinding, fail, ok
from operations.preflight.view import Kind, View
from settings import Settings

# kubelet renews every 10 s (nodeLeaseDurationSeconds / 4); the controller manager gives a node up
# after node-monitor-grace-period, 40 s until Kubernetes 1.31 and 50 s since.
_LONGEST_SECONDS = 40.0
_NODES, _SYSTEM = "kube-node-lease", "kube-system"


def check(settings: Settings, cluster: View) -> Iterator[PreflightFinding]:
    leases = cluster.items(Kind.LEASES)
    renewed = _renewals(lease for lease in leases if _is_in(lease, _NODES))
    # The API servers' own Leases are the cluster's clock: this machine's may be wrong, and so may a
    # node's.
    servers = _renewals(lease for lease in leases if _is_in(lease, _SYSTEM) and _is_server(lease))
    now = max((servers or renewed).values(), default=None)
    present = set(map(name_of, cluster.items(Kind.NODES)))
    ages = []
    for node in settings.nodes:
        where = f"node {node.hostname}"
        last = renewed.get(node.hostname)
        if last is None or now is None:
            # A missing node is a finding of the check `nodes`.
            if node.hostname in present:
                what = "its kubelet has never renewed a Lease: whether it lives is unknown"
                yield fail(where, what, "look at the kubelet (k3s-agent) of the node")
            continue
        age = (now - last).total_seconds()
        if age > _LONGEST_SECONDS:
            yield fail(
                where,
                f"its kubelet was last heard of {age:.0f} s ago, at {last:%Y-%m-%d %H:%M:%S} UTC",
                "look at the kubelet (k3s-agent) and at the clock of the node",
            )
        else:
            ages.append(age)
    if ages:
        yield ok(f"{len(ages)} kubelets", f"heard of within {max(0.0, *ages):.0f} s")


def _renewals(leases: Iterable[Document]) -> dict[str, datetime]:
    return {
        name_of(lease): datetime.fromisoformat(time)
        for lease in leases
        if (time := lease.get("spec", {}).get("renewTime"))
    }


def _is_in(lease: Document, namespace: str) -> bool:
    return bool(lease["metadata"]["namespace"] == namespace)


def _is_server(lease: Document) -> bool:
    return labels_of(lease).get("apiserver.kubernetes.io/identity") == "kube-apiserver"
