"""Why no pod could run on a node: its taints, its system, its room, as the scheduler judges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from preflight.kubectl import Document
from preflight.result import Verdict, listed
from preflight.room import lacking, pod_of, requests_of
from preflight.workload import is_ours
from settings import ExitNode, Settings, Toleration, is_of_kubernetes
from settings.rendered import EXIT_NODE_REQUESTS, gateway_requests

_CONDITION = "node.kubernetes.io/"
# What the DaemonSet controller has each of its pods tolerate (Kubernetes' documentation,
# "DaemonSet", "Taints and tolerations").
_OF_DAEMON_SETS = {
    (f"{_CONDITION}not-ready", "NoExecute"),
    (f"{_CONDITION}unreachable", "NoExecute"),
    (f"{_CONDITION}disk-pressure", "NoSchedule"),
    (f"{_CONDITION}memory-pressure", "NoSchedule"),
    (f"{_CONDITION}pid-pressure", "NoSchedule"),
    (f"{_CONDITION}unschedulable", "NoSchedule"),
}
# What every other pod is given, for five minutes ("Taint based Evictions").
_OF_ALL_PODS = {
    (f"{_CONDITION}not-ready", "NoExecute"),
    (f"{_CONDITION}unreachable", "NoExecute"),
}
_KEEPS_PODS_AWAY = ("NoSchedule", "NoExecute")
# Of these the images of Envoy, tailscale, Python and the blackbox exporter are all published.
_SYSTEM, _MACHINES = "linux", ("amd64", "arm64")


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """What keeps a pod away from a node, and how to remove it; a warning where an update does."""

    what: str
    remedy: str
    verdict: Verdict = Verdict.FAIL


def untolerated(node: Document, tolerations: tuple[Toleration, ...]) -> list[Document]:
    """The node's taints that keep a new gateway away from it."""
    return _untolerated(node, tolerations, _OF_DAEMON_SETS)


def _untolerated(
    node: Document, tolerations: tuple[Toleration, ...], own: set[tuple[str, str]]
) -> list[Document]:
    return [
        taint
        for taint in node.get("spec", {}).get("taints") or []
        if taint["effect"] in _KEEPS_PODS_AWAY
        and (taint["key"], taint["effect"]) not in own
        and not any(
            each.matches(taint["key"], taint.get("value") or "", taint["effect"])
            for each in tolerations
        )
    ]


def written(taint: Document) -> str:
    """The taint as kubectl writes it."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


def unready(node: Document) -> str | None:
    """Why the node is not Ready; None when it is."""
    conditions = node.get("status", {}).get("conditions", [])
    ready = next((each for each in conditions if each["type"] == "Ready"), None)
    if ready is None:
        return "it has never reported that it is Ready"
    if ready["status"] == "True":
        return None
    since = ready.get("lastTransitionTime", "an unknown time")
    reason = ready.get("message") or ready.get("reason") or "no reason given"
    return f"NotReady since {since}: {reason}"


def other_system(node: Document) -> str | None:
    """The node's operating system where containers of Linux cannot run; None where they can."""
    system = _reported(node, "operatingSystem", "kubernetes.io/os")
    return system if system not in (None, _SYSTEM) else None


def other_machine(node: Document) -> str | None:
    """The node's architecture where the published images are for others; None where they do."""
    machine = _reported(node, "architecture", "kubernetes.io/arch")
    return machine if machine not in (None, *_MACHINES) else None


def _reported(node: Document, field: str, label: str) -> str | None:
    info = node.get("status", {}).get("nodeInfo") or {}
    found: str | None = info.get(field) or (node["metadata"].get("labels") or {}).get(label)
    return found or None


def of_gateway(node: Document, settings: Settings) -> Iterator[Obstacle]:
    """What keeps a gateway away from the node, whatever else runs there."""
    if taints := untolerated(node, settings.egress.tolerations):
        yield Obstacle(
            what=f"its taint {listed([written(each) for each in taints])} keeps gateways away: a "
            "gateway there does not outlive its next change, and the gate of its wave fails",
            remedy=_remedy(node, taints, "egress.tolerations"),
        )
    if (system := other_system(node)) is not None:
        yield Obstacle(
            what=f"it runs {system}: gateways are containers of Linux",
            remedy=f"give it a taint, such as `kubectl taint node {_name(node)} "
            f"os={system}:NoSchedule`, and take it out of the settings: no gateway goes there then",
        )
    wanted = gateway_requests(len(settings.exit_nodes))
    if short := lacking(_allocatable(node), wanted):
        yield Obstacle(
            what=f"it can hold no gateway: {listed(short)}",
            remedy="give the node more, or take it out of the settings and give it a taint",
        )


def of_exit_node(node: Document, exit_node: ExitNode, key: str) -> Iterator[Obstacle]:
    """What keeps the exit node that is pinned there from starting; `key` is its settings' key."""
    if taints := _untolerated(node, exit_node.tolerations, _OF_ALL_PODS):
        yield Obstacle(
            what=f"its taint {listed([written(each) for each in taints])} keeps the exit node "
            f"{exit_node.hostname} away: after its next change it does not start again",
            # The StatefulSet controller does not replace a pod that has never run (Kubernetes'
            # documentation, "StatefulSets", "Forced rollback").
            remedy=f"{_remedy(node, taints, f'{key}.tolerations')}; a pod of it that waits already "
            "is replaced by no update: docs/runbooks/nodes.md#a-node-has-a-taint",
        )


def _name(node: Document) -> str:
    return str(node["metadata"]["name"])


def _remedy(node: Document, taints: list[Document], key: str) -> str:
    """How to have pods on a node with these taints; `key` is the setting that would do it."""
    foreign = [each for each in taints if not is_of_kubernetes(each["key"])]
    names = listed([each["key"] for each in taints if is_of_kubernetes(each["key"])])
    cause = (
        f"Kubernetes has set {names}, and removes it with its cause (after a cordon: "
        f"`kubectl uncordon {_name(node)}`)"
    )
    if not foreign:
        return cause
    entries = ", ".join(_entry(each) for each in foreign)
    remedy = (
        "take the taint off, or the node out of the settings, or have it tolerated: add "
        f"{entries} to {key}"
    )
    return f"{remedy}; {cause}" if names else remedy


def _entry(taint: Document) -> str:
    value = (
        f"operator: Equal, value: {taint['value']}" if taint.get("value") else "operator: Exists"
    )
    return f"{{key: {taint['key']}, {value}, effect: {taint['effect']}}}"


def without_room(
    node: Document, pods: list[Document], settings: Settings, starting: Sequence[ExitNode] = ()
) -> Obstacle | None:
    """Why the node has no room for the gateway of the settings; None where it has.

    `pods` are all that run on the node; a gateway among them makes way for the new one. `starting`
    are the exit nodes that come to the node before.
    """
    old = [pod for pod in pods if is_gateway(pod)]
    others = [pod for pod in pods if not is_gateway(pod)]
    wanted = gateway_requests(len(settings.exit_nodes))
    others += [pod_of(EXIT_NODE_REQUESTS) for _ in starting]
    short = lacking(_allocatable(node), wanted, others)
    if not short:
        return None
    counted = [
        f"what its present gateway requests counts as free: {requests_of(pod, wanted)}"
        for pod in old
    ]
    counted += [
        f"the exit node {each.hostname}, which starts there first, is counted" for each in starting
    ]
    return Obstacle(
        what=f"its pods leave no room for the gateway of these settings: {listed(short)}"
        + (f" ({'; '.join(counted)})" if counted else ""),
        remedy="move pods off the node, or lower what they request",
    )


def without_room_for_exit_node(
    node: Document, pods: list[Document], exit_node: ExitNode, key: str
) -> Obstacle | None:
    """Why `pods`, all that run on the node, leave no room for the exit node; None where they do."""
    short = lacking(_allocatable(node), EXIT_NODE_REQUESTS, pods)
    if not short:
        return None
    return Obstacle(
        what=f"its pods leave no room for the exit node {exit_node.hostname}: {listed(short)}",
        remedy=f"move pods off the node, or lower what they request, or set {key}.node to another",
    )


def is_gateway(pod: Document) -> bool:
    """Whether the pod is a gateway of this stack."""
    labels = pod["metadata"].get("labels") or {}
    return is_ours(pod) and labels.get("app.kubernetes.io/name") == "oceanid-gateway"


def is_of(pod: Document, exit_node: ExitNode) -> bool:
    """Whether the pod is that exit node."""
    labels = pod["metadata"].get("labels") or {}
    return is_ours(pod) and labels.get("app.kubernetes.io/instance") == exit_node.hostname


def _allocatable(node: Document) -> dict[str, str]:
    return node.get("status", {}).get("allocatable") or {}
