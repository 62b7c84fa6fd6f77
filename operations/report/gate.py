"""The waves and what their gates measured, from the Jobs and pods that the cluster still has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from preflight.kubectl import Kubectl, Refused
from preflight.result import listed
from report.moment import parsed
from report.status import Status
from settings import Settings

Document = dict[str, Any]

# The labels that the program gives gates and gateways.
_GATE = "app.kubernetes.io/name=oceanid-egress-check"
_GATEWAY = "app.kubernetes.io/name=oceanid-gateway"
_WAVE = "oceanid.io/wave"
_NODE = "oceanid.io/node"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What the gate has of one node: its Job's verdict, and what the Job's pod said at its end."""

    node: str
    status: Status
    said: str


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One wave with its nodes by the settings, its gate's verdict and the nodes' measurements."""

    wave: str
    nodes: tuple[str, ...]
    catches_the_rest: bool
    status: Status
    verdict: str
    finished: datetime | None
    measurements: tuple[Measurement, ...]
    gateways: str


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The cluster's Jobs and pods of gates, and its DaemonSets of gateways."""

    jobs: Sequence[Document] = ()
    pods: Sequence[Document] = ()
    daemon_sets: Sequence[Document] = ()


def asked(kubectl: Kubectl) -> Seen | Refused:
    """What all namespaces have of them, or why nothing can be seen."""
    paths = (
        f"/apis/batch/v1/jobs?labelSelector={_GATE}",
        f"/api/v1/pods?labelSelector={_GATE}",
        f"/apis/apps/v1/daemonsets?labelSelector={_GATEWAY}",
    )
    found: list[list[Document]] = []
    for path in paths:
        answer = kubectl.document(path)
        if isinstance(answer, Refused):
            return answer
        found.append(list(answer["items"]))
    jobs, pods, daemon_sets = found
    return Seen(jobs=jobs, pods=pods, daemon_sets=daemon_sets)


def gates(settings: Settings, seen: Seen | Refused) -> list[Gate]:
    """A gate for each wave of the settings, in their order."""
    shown = Seen() if isinstance(seen, Refused) else seen
    why = seen.why if isinstance(seen, Refused) else "the cluster has no such gate"
    result = []
    for wave in settings.egress.waves:
        named = tuple(node.hostname for node in settings.wave_nodes(wave))
        jobs = _newest(each for each in shown.jobs if _label(each) == wave.name)
        measurements = _measurements(named, jobs, shown.pods, why)
        daemon_sets = [each for each in shown.daemon_sets if _label(each) == wave.name]
        status, verdict = _verdict(measurements)
        ends = [at for job in jobs.values() if (at := _condition(job)[2]) is not None]
        result.append(
            Gate(
                wave=wave.name,
                nodes=named,
                catches_the_rest=wave.nodes is None,
                status=status,
                verdict=why if isinstance(seen, Refused) else verdict,
                finished=max(ends, default=None),
                measurements=() if isinstance(seen, Refused) else measurements,
                gateways=_gateways(daemon_sets),
            )
        )
    return result


def _newest(jobs: Iterable[Document]) -> dict[str, Document]:
    """The newest Job for each node: one that is to be replaced may still be there."""
    found: dict[str, Document] = {}
    for job in sorted(jobs, key=lambda job: str(job["metadata"]["creationTimestamp"])):
        found[str((job["metadata"].get("annotations") or {}).get(_NODE))] = job
    return found


def _measurements(
    named: Sequence[str], jobs: Mapping[str, Document], pods: Sequence[Document], why: str
) -> tuple[Measurement, ...]:
    """One for each node of the settings and each that has a Job: none is left out."""
    return tuple(
        Measurement(
            node=node,
            status=_condition(jobs[node])[0] if node in jobs else Status.NOT_SEEN,
            said=_said(jobs[node], pods) if node in jobs else why,
        )
        for node in sorted({*named, *jobs})
    )


def _verdict(measurements: Sequence[Measurement]) -> tuple[Status, str]:
    """The gate's: it has passed when it has on every node, and has not while one is missing."""
    by_status = {
        status: [each.node for each in measurements if each.status is status] for status in Status
    }
    for status, what in (
        (Status.BAD, "failed on"),
        (Status.RUNNING, "measures"),
        (Status.NOT_SEEN, "has not measured"),
    ):
        if by_status[status]:
            return status, f"{what} {listed(by_status[status])}"
    if not measurements:
        return Status.NOT_SEEN, "no node"
    return Status.GOOD, f"passed on {len(measurements)} node{'s' if len(measurements) > 1 else ''}"


def _condition(job: Document) -> tuple[Status, str, datetime | None]:
    """What the Job has come to, why, and when."""
    for condition in job.get("status", {}).get("conditions") or []:
        if condition["status"] != "True":
            continue
        at = parsed(condition.get("lastTransitionTime"))
        if condition["type"] == "Complete":
            return Status.GOOD, "passed", at
        if condition["type"] == "Failed":
            return Status.BAD, str(condition.get("reason", "no reason given")), at
    return Status.RUNNING, "measures", None


def _gateways(daemon_sets: Sequence[Document]) -> str:
    if not daemon_sets:
        return "not seen"
    statuses = [each.get("status", {}) for each in daemon_sets]
    ready = sum(int(each.get("numberReady", 0)) for each in statuses)
    wanted = sum(int(each.get("desiredNumberScheduled", 0)) for each in statuses)
    return f"{ready} of {wanted} ready"


def _said(job: Document, pods: Sequence[Document]) -> str:
    """What the Job's pod said at its end; without a word from it, what the Job has come to."""
    uid = job["metadata"]["uid"]
    messages = [
        str(ended["message"]).strip()
        for pod in pods
        if any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences") or [])
        for each in pod.get("status", {}).get("containerStatuses") or []
        if (ended := each.get("state", {}).get("terminated")) and ended.get("message")
    ]
    return "; ".join(messages) or f"nothing said: {_condition(job)[1]}"


def _label(document: Document) -> str:
    return str((document["metadata"].get("labels") or {}).get(_WAVE))
