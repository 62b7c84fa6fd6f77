"""The waves and what their gates measured, from the Jobs and pods that the cluster still has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from components.cluster.labels import CHECK_LABELS, GATEWAY_LABELS, NODE_ANNOTATION, WAVE_LABEL
from components.egress.gate_message import SIMULATED
from operations.errors import RequestError
from operations.kubernetes.client import Document, KubernetesClient
from operations.kubernetes.objects import annotations_of, condition, is_true, labels_of, status_of
from operations.preflight.finding import listed
from operations.report.moment import parsed
from operations.report.status import Status
from settings import Settings

SELECTOR, _GATEWAY = (
    ",".join(f"{key}={value}" for key, value in labels.items())
    for labels in (CHECK_LABELS, GATEWAY_LABELS)
)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What the gate has of one node: its Job's verdict, and the last message of the Job's pod."""

    node: str
    status: Status
    message: str


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
class GateObjects:
    """The cluster's Jobs and pods of gates, and its DaemonSets of gateways."""

    jobs: Sequence[Document] = ()
    pods: Sequence[Document] = ()
    daemon_sets: Sequence[Document] = ()


def listed_by(client: KubernetesClient) -> GateObjects | RequestError:
    """Those of all namespaces, or why they are unavailable."""
    try:
        return GateObjects(
            jobs=client.list_objects("/apis/batch/v1/jobs", labelSelector=SELECTOR),
            pods=client.list_objects("/api/v1/pods", labelSelector=SELECTOR),
            daemon_sets=client.list_objects("/apis/apps/v1/daemonsets", labelSelector=_GATEWAY),
        )
    except RequestError as error:
        return error


def gates(settings: Settings, objects: GateObjects | RequestError) -> list[Gate]:
    shown = GateObjects() if isinstance(objects, RequestError) else objects
    why = str(objects) if isinstance(objects, RequestError) else "the cluster has no such gate"
    result = []
    for wave in settings.egress.waves:
        named = tuple(node.hostname for node in settings.wave_nodes(wave))
        jobs = _newest(job for job in shown.jobs if _wave(job) == wave.name)
        measurements = _measurements(named, jobs, shown.pods, why)
        daemon_sets = [owner for owner in shown.daemon_sets if _wave(owner) == wave.name]
        status, verdict = _verdict(measurements)
        ends = [at for job in jobs.values() if (at := _outcome(job)[2]) is not None]
        result.append(
            Gate(
                wave=wave.name,
                nodes=named,
                catches_the_rest=wave.nodes is None,
                status=status,
                verdict=why if isinstance(objects, RequestError) else verdict,
                finished=max(ends, default=None),
                measurements=() if isinstance(objects, RequestError) else measurements,
                gateways=_gateways(daemon_sets),
            )
        )
    return result


def _newest(jobs: Iterable[Document]) -> dict[str, Document]:
    """The newest Job for each node: one that is to be replaced may still be there."""
    newest: dict[str, Document] = {}
    for job in sorted(jobs, key=lambda job: str(job["metadata"]["creationTimestamp"])):
        newest[str(annotations_of(job).get(NODE_ANNOTATION))] = job
    return newest


def _measurements(
    named: Sequence[str], jobs: Mapping[str, Document], pods: Sequence[Document], why: str
) -> tuple[Measurement, ...]:
    """One for each node of the settings and each that has a Job: none is left out."""
    return tuple(
        Measurement(
            node=node,
            status=_outcome(jobs[node])[0] if node in jobs else Status.UNKNOWN,
            message=_message(jobs[node], pods) if node in jobs else why,
        )
        for node in sorted({*named, *jobs})
    )


def _verdict(measurements: Sequence[Measurement]) -> tuple[Status, str]:
    """The gate's: it has passed when it has on every node, and has not while one is missing."""
    by_status = {
        status: [entry.node for entry in measurements if entry.status is status]
        for status in Status
    }
    for status, what in (
        (Status.BAD, "failed on"),
        (Status.RUNNING, "measures"),
        (Status.UNKNOWN, "has not measured"),
    ):
        if by_status[status]:
            return status, f"{what} {listed(by_status[status])}"
    if not measurements:
        return Status.UNKNOWN, "no node"
    passed = f"passed on {len(measurements)} node{'s' if len(measurements) > 1 else ''}"
    if any(entry.message.startswith(SIMULATED) for entry in measurements):
        # The lab's stand-in for the gate's program, on nodes that run no program.
        return Status.GOOD, f"{passed}, simulated: nothing was measured"
    return Status.GOOD, passed


def _outcome(job: Document) -> tuple[Status, str, datetime | None]:
    complete, failed = condition(job, "Complete"), condition(job, "Failed")
    if is_true(job, "Complete"):
        return Status.GOOD, "passed", parsed(complete.get("lastTransitionTime"))
    if is_true(job, "Failed"):
        why = str(failed.get("reason", "no reason given"))
        return Status.BAD, why, parsed(failed.get("lastTransitionTime"))
    return Status.RUNNING, "measures", None


def _gateways(daemon_sets: Sequence[Document]) -> str:
    if not daemon_sets:
        return "unknown"
    statuses = list(map(status_of, daemon_sets))
    ready = sum(int(pods.get("numberReady", 0)) for pods in statuses)
    wanted = sum(int(pods.get("desiredNumberScheduled", 0)) for pods in statuses)
    return f"{ready} of {wanted} ready"


def _message(job: Document, pods: Sequence[Document]) -> str:
    """The last message of the Job's pod; without one, what the Job has come to."""
    said = "; ".join(messages(job["metadata"]["uid"], pods))
    return said or f"no message: {_outcome(job)[1]}"


def messages(uid: str, pods: Sequence[Document]) -> list[str]:
    """The last messages of the pods of the Job with that uid."""
    return [
        str(ended["message"]).strip()
        for pod in pods
        if any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences") or [])
        for container in status_of(pod).get("containerStatuses") or []
        if (ended := container.get("state", {}).get("terminated")) and ended.get("message")
    ]


def _wave(document: Document) -> str:
    return str(labels_of(document).get(WAVE_LABEL))
