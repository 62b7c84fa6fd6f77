"""Workloads that get no pods because admission refuses them.

Pod Security judges pods, not the workloads that make them: a Deployment is taken, and its pods
never appear. So the Pulumi operator was stuck for four days in October 2025. The API server judges
a dry run of the pod that the workload would make.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from operations.errors import RequestError
from operations.kubernetes.client import Document, KubernetesClient
from operations.kubernetes.objects import name_of
from operations.preflight.finding import PreflightFinding, note, ok, warn
from operations.preflight.view import View
from operations.preflight.workload import (
    OTHER_NAMESPACE,
    WORKLOADS,
    lacks_pods,
    pod_template,
    title,
)

# Each is a request; a cluster with more of them than this has a fault that the first ones show.
_MOST = 20
# A refusal by admission, and one of the right to ask at all.
_REFUSED, _MAY_NOT_ASK = "forbidden", "cannot create resource"


def check(cluster: View, client: KubernetesClient) -> Iterator[PreflightFinding]:
    """A finding for each workload whose next pod would be refused, with the server's reason."""
    lacking = [
        (title(kind, workload), workload)
        for kind in WORKLOADS
        for workload in cluster.items(kind)
        if lacks_pods(kind, workload)
    ]
    with ThreadPoolExecutor(max_workers=_MOST) as pool:
        reasons = list(pool.map(lambda entry: _refusal(client, entry[1]), lacking[:_MOST]))
    for (where, _), reason in zip(lacking, reasons, strict=False):
        if reason and _REFUSED in reason.lower() and _MAY_NOT_ASK not in reason:
            yield warn(where, f"gets no pods: {reason}", OTHER_NAMESPACE)
        elif reason:
            yield note(where, f"has no pods, and why is unknown: {reason}")
    if len(lacking) > _MOST:
        what = f"{len(lacking) - _MOST} more have fewer pods than wanted and were not tried"
        yield warn("workloads", what)
    if not any(reasons):
        yield ok("workloads", "admission refuses the pods of none")


def _refusal(client: KubernetesClient, workload: Document) -> str | None:
    namespace = workload["metadata"]["namespace"]
    try:
        client.dry_run(f"/api/v1/namespaces/{namespace}/pods", pod(workload))
    except RequestError as error:
        return str(error)
    return None


def pod(workload: Document) -> Document:
    """The pod that the workload's controller would make."""
    template = pod_template(workload)
    metadata, spec = template.get("metadata", {}), template.get("spec", {})
    claims = [
        {"name": name_of(claim), "persistentVolumeClaim": {"claimName": name_of(claim)}}
        for claim in workload["spec"].get("volumeClaimTemplates", [])
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"{name_of(workload)[:50]}-",
            "labels": metadata.get("labels") or {},
            "annotations": metadata.get("annotations") or {},
        },
        "spec": {**spec, "volumes": [*(spec.get("volumes") or []), *claims]},
    }
