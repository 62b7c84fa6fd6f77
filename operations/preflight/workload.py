"""Kubernetes' workloads as the checks look at them."""

from __future__ import annotations

from preflight.kubectl import Document, Kind

_KINDS = {
    Kind.DAEMON_SETS: "DaemonSet",
    Kind.DEPLOYMENTS: "Deployment",
    Kind.STATEFUL_SETS: "StatefulSet",
    Kind.JOBS: "Job",
    Kind.CRON_JOBS: "CronJob",
}
WORKLOADS = tuple(_KINDS)


def pod_template(workload: Document) -> Document:
    """Its `spec.template`, which a CronJob has within that of its Jobs."""
    spec = workload.get("spec", {})
    template: Document = spec.get("jobTemplate", {}).get("spec", spec).get("template", {})
    return template


def title(kind: Kind, workload: Document) -> str:
    """Such as `Deployment apps/web`; the API server leaves the kind out of lists."""
    metadata = workload["metadata"]
    return f"{_KINDS[kind]} {metadata['namespace']}/{metadata['name']}"


def is_ours(workload: Document) -> bool:
    """Whether this project's stack made it, by the label that its components set."""
    labels = workload["metadata"].get("labels") or {}
    return bool(labels.get("app.kubernetes.io/part-of") == "oceanid")


def manifest(kind: Kind, workload: Document) -> Document:
    """The object by itself, with the kind that the API server leaves out of lists."""
    return {**workload, "kind": _KINDS[kind]}


def lacks_pods(kind: Kind, workload: Document) -> bool:
    """Whether there are fewer pods of its template than wanted: not made at all, not just unready.

    Pods of an earlier template do not count: those live on while the new ones are refused.
    """
    spec, status = workload.get("spec", {}), workload.get("status", {})
    if kind is Kind.CRON_JOBS:
        return False
    if kind is Kind.DAEMON_SETS:
        scheduled = int(status.get("updatedNumberScheduled", 0))
        return scheduled < int(status.get("desiredNumberScheduled", 0))
    if kind is Kind.JOBS:
        made = sum(int(status.get(key, 0)) for key in ("active", "succeeded", "failed"))
        return not spec.get("suspend") and int(spec.get("parallelism", 1)) > 0 and made == 0
    return int(status.get("updatedReplicas", 0)) < int(spec.get("replicas", 1))
