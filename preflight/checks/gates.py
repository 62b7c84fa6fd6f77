"""Nodes on which the last gate measured nothing, and why: what the engine's error cannot tell.

A check's pod that no node takes is deleted with its Job's deadline; the scheduler's reason stays in
an event for an hour.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.kubectl import Document, Kind, View
from preflight.result import Result, UnseenError, Verdict
from preflight.workload import is_ours

CHECK = "gates"
_NODE, _WAVE = "oceanid.io/node", "oceanid.io/wave"
_DEADLINE = "DeadlineExceeded"


def check(cluster: View) -> Iterator[Result]:
    """A result for each node whose check came to nothing; the engine tells of other failures."""
    for job in cluster.items(Kind.JOBS):
        node = (job["metadata"].get("annotations") or {}).get(_NODE)
        if node is not None and is_ours(job) and _is_late(job):
            yield Result(
                check=CHECK,
                verdict=Verdict.WARN,
                where=f"wave {job['metadata']['labels'][_WAVE]}, node {node}",
                what=f"was not measured by the deadline: {_reason(job, cluster)}",
                remedy="mend that; the next update measures it again",
            )


def _is_late(job: Document) -> bool:
    conditions = job.get("status", {}).get("conditions") or []
    return any(
        each["type"] == "Failed" and each["status"] == "True" and each.get("reason") == _DEADLINE
        for each in conditions
    )


def _reason(job: Document, cluster: View) -> str:
    """What the scheduler said last of the Job's pod, which is named after it."""
    try:
        events = cluster.items(Kind.UNSCHEDULED)
    except UnseenError as unseen:
        return str(unseen)
    metadata = job["metadata"]
    said = [
        str(event["message"])
        for event in sorted(events, key=lambda event: str(event.get("lastTimestamp")))
        if event["involvedObject"].get("namespace") == metadata["namespace"]
        and event["involvedObject"].get("name", "").startswith(f"{metadata['name']}-")
    ]
    return said[-1] if said else "its pod did not end, and the scheduler has no word of it"
