"""Nodes that the last gate could not measure, and why: the engine's error does not say it.

A check's pod that no node takes is deleted with its Job's deadline; the scheduler's reason stays in
an event for an hour.
"""

from __future__ import annotations

from collections.abc import Iterator

from components.cluster.labels import NODE_ANNOTATION, WAVE_LABEL
from operations.errors import UnavailableError
from operations.kubernetes.client import Document
from operations.kubernetes.objects import annotations_of, condition, is_true, labels_of, name_of
from operations.preflight.finding import PreflightFinding, warn
from operations.preflight.view import Kind, View
from operations.preflight.workload import is_ours


def check(cluster: View) -> Iterator[PreflightFinding]:
    """A finding for each node that was not measured; the engine reports other failures."""
    for job in cluster.items(Kind.JOBS):
        node = annotations_of(job).get(NODE_ANNOTATION)
        if node is not None and is_ours(job) and _is_late(job):
            yield warn(
                f"wave {labels_of(job)[WAVE_LABEL]}, node {node}",
                f"was not measured by the deadline: {_reason(job, cluster)}",
                "fix that; the next update measures it again",
            )


def _is_late(job: Document) -> bool:
    return is_true(job, "Failed") and condition(job, "Failed").get("reason") == "DeadlineExceeded"


def _reason(job: Document, cluster: View) -> str:
    """The scheduler's last message about the Job's pod, which is named after the Job."""
    try:
        events = cluster.items(Kind.UNSCHEDULED)
    except UnavailableError as error:
        return str(error)
    messages = [
        str(event["message"])
        for event in sorted(events, key=lambda event: str(event.get("lastTimestamp")))
        if event["involvedObject"].get("namespace") == job["metadata"]["namespace"]
        and event["involvedObject"].get("name", "").startswith(f"{name_of(job)}-")
    ]
    return messages[-1] if messages else "its pod did not end, and the scheduler gives no reason"
