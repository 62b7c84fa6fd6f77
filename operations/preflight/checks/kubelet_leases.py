"""Whether every node's kubelet has been heard of lately, by its Lease.

A node stays Ready for a while after its kubelet has fallen silent; an update must not start then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from preflight.kubectl import Document, Kind, View
from preflight.result import Result, Verdict
from settings import Settings

CHECK = "heartbeats"
# kubelet renews every 10 s (nodeLeaseDurationSeconds / 4); the controller manager gives a node up
# after node-monitor-grace-period, 40 s until Kubernetes 1.31 and 50 s since.
_LONGEST_SECONDS = 40.0
_NODES, _SYSTEM = "kube-node-lease", "kube-system"


def check(settings: Settings, cluster: View) -> Iterator[Result]:
    """A result for each silent node."""
    leases = cluster.items(Kind.LEASES)
    renewed = _renewals(lease for lease in leases if _is_in(lease, _NODES))
    # The API servers' own Leases are the cluster's clock: this machine's may be wrong, and so may a
    # node's.
    servers = _renewals(lease for lease in leases if _is_in(lease, _SYSTEM) and _is_server(lease))
    now = max((servers or renewed).values(), default=None)
    there = {node["metadata"]["name"] for node in cluster.items(Kind.NODES)}
    oldest = 0.0
    heard = 0
    for node in settings.nodes:
        last = renewed.get(node.hostname)
        if last is None or now is None:
            # A node that is not there at all is the nodes check's to tell.
            if node.hostname in there:
                yield Result(
                    check=CHECK,
                    verdict=Verdict.FAIL,
                    where=f"node {node.hostname}",
                    what="its kubelet has never renewed a Lease: nobody knows that it lives",
                    remedy="look at the kubelet (k3s-agent) of the node",
                )
            continue
        age = (now - last).total_seconds()
        if age > _LONGEST_SECONDS:
            yield Result(
                check=CHECK,
                verdict=Verdict.FAIL,
                where=f"node {node.hostname}",
                what=f"its kubelet was last heard of {age:.0f} s ago, at {last:%Y-%m-%d %H:%M:%S} "
                "UTC",
                remedy="look at the kubelet (k3s-agent) and at the clock of the node",
            )
        else:
            oldest, heard = max(oldest, age), heard + 1
    if heard:
        what = f"heard of within {oldest:.0f} s"
        yield Result(check=CHECK, verdict=Verdict.OK, where=f"{heard} kubelets", what=what)


def _renewals(leases: Iterable[Document]) -> dict[str, datetime]:
    return {
        lease["metadata"]["name"]: datetime.fromisoformat(time)
        for lease in leases
        if (time := lease.get("spec", {}).get("renewTime"))
    }


def _is_in(lease: Document, namespace: str) -> bool:
    return bool(lease["metadata"]["namespace"] == namespace)


def _is_server(lease: Document) -> bool:
    labels = lease["metadata"].get("labels") or {}
    return bool(labels.get("apiserver.kubernetes.io/identity") == "kube-apiserver")
