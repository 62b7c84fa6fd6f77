"""Kubernetes' workloads as the checks look at them."""

from components.cluster.labels import PART_OF
from operations.kubernetes.client import Document
from operations.kubernetes.objects import labels_of, name_of, status_of
from operations.preflight.view import Kind

# By their kinds, which the API server leaves out of lists.
WORKLOADS = {
    Kind.DAEMON_SETS: "DaemonSet",
    Kind.DEPLOYMENTS: "Deployment",
    Kind.STATEFUL_SETS: "StatefulSet",
    Kind.JOBS: "Job",
    Kind.CRON_JOBS: "CronJob",
}
NAME_LABEL = "app.kubernetes.io/name"
OTHER_NAMESPACE = (
    "give its pods what the namespace's level asks for, or move them to a namespace of their own: "
    "a lower level opens this one to everything"
)
"""What to do about pods that a level of Pod Security refuses."""


def pod_template(workload: Document) -> Document:
    """Its `spec.template`, which a CronJob has within that of its Jobs."""
    spec = workload.get("spec", {})
    template: Document = spec.get("jobTemplate", {}).get("spec", spec).get("template", {})
    return template


def pod_spec(workload: Document) -> Document:
    spec: Document = pod_template(workload).get("spec", {})
    return spec


def title(kind: Kind, workload: Document) -> str:
    """Such as `Deployment apps/web`."""
    return f"{WORKLOADS[kind]} {workload['metadata']['namespace']}/{name_of(workload)}"


def is_ours(workload: Document) -> bool:
    """Whether this project's stack made it, by the label that its components set."""
    return labels_of(workload).get(PART_OF) == "oceanid"


def lacks_pods(kind: Kind, workload: Document) -> bool:
    """Whether there are fewer pods of its template than wanted: not made at all, not just unready.

    Pods of an earlier template do not count: those live on while the new ones are refused.
    """
    spec, pods = workload.get("spec", {}), status_of(workload)
    if kind is Kind.CRON_JOBS:
        return False
    if kind is Kind.DAEMON_SETS:
        scheduled = int(pods.get("updatedNumberScheduled", 0))
        return scheduled < int(pods.get("desiredNumberScheduled", 0))
    if kind is Kind.JOBS:
        made = sum(int(pods.get(key, 0)) for key in ("active", "succeeded", "failed"))
        return not spec.get("suspend") and int(spec.get("parallelism", 1)) > 0 and made == 0
    return int(pods.get("updatedReplicas", 0)) < int(spec.get("replicas", 1))
