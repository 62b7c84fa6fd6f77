"""The waves and what their gates measured, from the Jobs and pods that the cluster still has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from preflight.kubectl import Kubectl, Refused
from report.moment import parsed
from report.status import Status
from settings import Settings

Document = dict[str, Any]

# The labels that the program gives gates and gateways.
_GATE = "app.kubernetes.io/name=oceanid-egress-check"
_GATEWAY = "app.kubernetes.io/name=oceanid-gateway"
_WAVE = "oceanid.io/wave"
_PHASES = {"Succeeded": Status.GOOD, "Failed": Status.BAD}


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a gate's pod said at its end, on one node."""

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
        own = [each for each in shown.jobs if _label(each) == wave.name]
        daemon_sets = [each for each in shown.daemon_sets if _label(each) == wave.name]
        # One that is to be replaced may still be there beside its successor.
        job = max(own, key=lambda each: each["metadata"]["creationTimestamp"], default=None)
        status, verdict, finished = _verdict(job, why)
        result.append(
            Gate(
                wave=wave.name,
                nodes=tuple(node.hostname for node in settings.wave_nodes(wave)),
                catches_the_rest=wave.nodes is None,
                status=status,
                verdict=verdict,
                finished=finished,
                measurements=tuple(_measurement(each) for each in _pods_of(job, shown.pods)),
                gateways=_gateways(daemon_sets),
            )
        )
    return result


def _verdict(job: Document | None, why: str) -> tuple[Status, str, datetime | None]:
    if job is None:
        return Status.NOT_SEEN, why, None
    status = job.get("status", {})
    for condition in status.get("conditions") or []:
        if condition["status"] != "True":
            continue
        at = parsed(condition.get("lastTransitionTime"))
        if condition["type"] == "Complete":
            nodes = int(status.get("succeeded", 0))
            return Status.GOOD, f"passed on {nodes} node{'' if nodes == 1 else 's'}", at
        if condition["type"] == "Failed":
            reason = condition.get("reason", "no reason given")
            return Status.BAD, f"failed: {reason}", at
    return Status.RUNNING, "measures", None


def _gateways(daemon_sets: Sequence[Document]) -> str:
    if not daemon_sets:
        return "not seen"
    statuses = [each.get("status", {}) for each in daemon_sets]
    ready = sum(int(each.get("numberReady", 0)) for each in statuses)
    wanted = sum(int(each.get("desiredNumberScheduled", 0)) for each in statuses)
    return f"{ready} of {wanted} ready"


def _measurement(pod: Document) -> Measurement:
    status = pod.get("status", {})
    messages = [
        str(ended["message"]).strip()
        for each in status.get("containerStatuses") or []
        if (ended := each.get("state", {}).get("terminated")) and ended.get("message")
    ]
    return Measurement(
        node=pod.get("spec", {}).get("nodeName", "no node yet"),
        status=_PHASES.get(status.get("phase", ""), Status.RUNNING),
        said="; ".join(messages) or "nothing said",
    )


def _pods_of(job: Document | None, pods: Sequence[Document]) -> list[Document]:
    if job is None:
        return []
    uid = job["metadata"]["uid"]
    own = [
        pod
        for pod in pods
        if any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences") or [])
    ]
    return sorted(own, key=lambda pod: str(pod.get("spec", {}).get("nodeName", "")))


def _label(document: Document) -> str:
    return str((document["metadata"].get("labels") or {}).get(_WAVE))
