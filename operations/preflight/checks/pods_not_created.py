"""Workloads that get no pods because admission refuses them.

Pod Security judges pods, not the workloads that make them: a Deployment is taken, and its pods
never appear. So the Pulumi operator was stuck for four days in October 2025. The API server is
asked itself, by a dry run of the pod that the workload would make.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from preflight.kubectl import Document, Kubectl, View
from preflight.result import Result, Verdict
from preflight.workload import WORKLOADS, lacks_pods, pod_template, title
from settings import Settings

CHECK = "starved-workloads"
# Each is a request; a cluster with more of them than this has a fault that the first ones show.
_MOST = 20
# A refusal by admission, and one of the right to ask at all.
_REFUSED, _MAY_NOT_ASK = "forbidden", "cannot create resource"
_REMEDY = (
    "give its pods what the namespace's level asks for, or move them to a namespace of their own: "
    "a lower level opens this one to everything"
)


def check(settings: Settings, cluster: View, kubectl: Kubectl) -> Iterator[Result]:
    """A result for each workload whose next pod would be refused, with the server's reason."""
    del settings
    lacking = [
        (kind, workload)
        for kind in WORKLOADS
        for workload in cluster.items(kind)
        if lacks_pods(kind, workload)
    ]
    with ThreadPoolExecutor(max_workers=_MOST) as pool:
        refusals = pool.map(lambda each: _refusal(kubectl, each[1]), lacking[:_MOST])
        found = [
            (title(kind, workload), refusal)
            for (kind, workload), refusal in zip(lacking[:_MOST], refusals, strict=True)
            if refusal is not None
        ]
    for where, refusal in found:
        asked = _REFUSED in refusal.lower() and _MAY_NOT_ASK not in refusal
        yield Result(
            check=CHECK,
            verdict=Verdict.WARN if asked else Verdict.NOTE,
            where=where,
            what=f"gets no pods: {refusal}"
            if asked
            else f"has no pods; why was not seen: {refusal}",
            remedy=_REMEDY if asked else "",
        )
    if len(lacking) > _MOST:
        what = f"{len(lacking) - _MOST} more have fewer pods than wanted and were not tried"
        yield Result(check=CHECK, verdict=Verdict.WARN, where="workloads", what=what)
    if not found:
        what = "admission refuses the pods of none"
        yield Result(check=CHECK, verdict=Verdict.OK, where="workloads", what=what)


def _refusal(kubectl: Kubectl, workload: Document) -> str | None:
    namespace = workload["metadata"]["namespace"]
    return kubectl.dry_run(f"/api/v1/namespaces/{namespace}/pods", pod(workload))


def pod(workload: Document) -> Document:
    """The pod that the workload's controller would make."""
    template = pod_template(workload)
    metadata, spec = template.get("metadata", {}), dict(template.get("spec", {}))
    claims = [
        {"name": name, "persistentVolumeClaim": {"claimName": name}}
        for claim in workload["spec"].get("volumeClaimTemplates", [])
        if (name := claim["metadata"]["name"])
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"{workload['metadata']['name'][:50]}-",
            "labels": metadata.get("labels") or {},
            "annotations": metadata.get("annotations") or {},
        },
        "spec": {**spec, "volumes": [*(spec.get("volumes") or []), *claims]},
    }
