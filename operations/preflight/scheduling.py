"""Why no pod could run on a node: its taints, its system, its room, as the scheduler judges."""

from collections.abc import Iterator, Sequence

from components.cluster.labels import GATEWAY
from components.egress.requests import TAILSCALE_REQUESTS, gateway_requests
from operations.kubernetes.client import Document
from operations.kubernetes.objects import condition, labels_of, name_of, status_of
from operations.preflight.finding import PreflightFinding, fail, listed
from operations.preflight.room import lacking, pod_of, requests_of
from operations.preflight.workload import NAME_LABEL, is_ours
from settings import ExitNodeSettings, Settings, Toleration, is_of_kubernetes

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
            toleration.matches(taint["key"], taint.get("value") or "", taint["effect"])
            for toleration in tolerations
        )
    ]


def written(taint: Document) -> str:
    """The taint as kubectl writes it."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


def unready(node: Document) -> str | None:
    """Why the node is not Ready; None when it is."""
    ready = condition(node, "Ready")
    if not ready:
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
    reported: str | None = (status_of(node).get("nodeInfo") or {}).get(field)
    return reported or labels_of(node).get(label) or None


def of_gateway(node: Document, settings: Settings) -> Iterator[PreflightFinding]:
    """What keeps a gateway away from the node, whatever else runs there."""
    if taints := untolerated(node, settings.egress.tolerations):
        yield _fail(
            node,
            f"its taint {listed(list(map(written, taints)))} keeps gateways away: a "
            "gateway there does not outlive its next change, and the gate of its wave fails",
            _remedy(node, taints, "egress.tolerations"),
        )
    if (system := other_system(node)) is not None:
        yield _fail(
            node,
            f"it runs {system}: gateways are containers of Linux",
            f"give it a taint, such as `kubectl taint node {name_of(node)} "
            f"os={system}:NoSchedule`, and take it out of the settings: no gateway goes there then",
        )
    wanted = gateway_requests(len(settings.exit_nodes))
    if short := lacking(_allocatable(node), wanted):
        yield _fail(
            node,
            f"it can hold no gateway: {listed(short)}",
            "give the node more, or take it out of the settings and give it a taint",
        )


def of_exit_node(
    node: Document, exit_node: ExitNodeSettings, key: str
) -> Iterator[PreflightFinding]:
    """What keeps the exit node that is pinned there from starting; `key` is its settings' key."""
    if taints := _untolerated(node, exit_node.tolerations, _OF_ALL_PODS):
        yield _fail(
            node,
            f"its taint {listed(list(map(written, taints)))} keeps the exit node "
            f"{exit_node.hostname} away: after its next change it does not start again",
            # The StatefulSet controller does not replace a pod that has never run (Kubernetes'
            # documentation, "StatefulSets", "Forced rollback").
            f"{_remedy(node, taints, f'{key}.tolerations')}; a pod of it that waits already "
            "is replaced by no update: docs/runbooks/nodes.md#a-node-has-a-taint",
        )


def _fail(node: Document, what: str, remedy: str) -> PreflightFinding:
    return fail(f"node {name_of(node)}", what, remedy)


def _remedy(node: Document, taints: list[Document], key: str) -> str:
    """How to have pods on a node with these taints; `key` is the setting that would do it."""
    foreign = [taint for taint in taints if not is_of_kubernetes(taint["key"])]
    names = listed([taint["key"] for taint in taints if is_of_kubernetes(taint["key"])])
    cause = (
        f"Kubernetes has set {names}, and removes it with its cause (after a cordon: "
        f"`kubectl uncordon {name_of(node)}`)"
    )
    if not foreign:
        return cause
    entries = ", ".join(map(_entry, foreign))
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
    node: Document,
    pods: list[Document],
    settings: Settings,
    starting: Sequence[ExitNodeSettings] = (),
) -> PreflightFinding | None:
    """Why the node has no room for the gateway of the settings; None where it has.

    `pods` are all that run on the node; a gateway among them makes way for the new one. `starting`
    are the exit nodes that come to the node before.
    """
    old = [pod for pod in pods if is_gateway(pod)]
    others = [pod for pod in pods if not is_gateway(pod)]
    wanted = gateway_requests(len(settings.exit_nodes))
    others += [pod_of(TAILSCALE_REQUESTS) for _ in starting]
    short = lacking(_allocatable(node), wanted, others)
    if not short:
        return None
    counted = [
        f"what its present gateway requests counts as free: {requests_of(pod, wanted)}"
        for pod in old
    ]
    counted += [
        f"the exit node {exit_node.hostname}, which starts there first, is counted"
        for exit_node in starting
    ]
    return _fail(
        node,
        f"its pods leave no room for the gateway of these settings: {listed(short)}"
        + (f" ({'; '.join(counted)})" if counted else ""),
        "move pods off the node, or lower what they request",
    )


def without_room_for_exit_node(
    node: Document, pods: list[Document], exit_node: ExitNodeSettings, key: str
) -> PreflightFinding | None:
    """Why `pods`, all that run on the node, leave no room for the exit node; None where they do."""
    short = lacking(_allocatable(node), TAILSCALE_REQUESTS, pods)
    if not short:
        return None
    return _fail(
        node,
        f"its pods leave no room for the exit node {exit_node.hostname}: {listed(short)}",
        f"move pods off the node, or lower what they request, or set {key}.node to another",
    )


def is_gateway(pod: Document) -> bool:
    return is_ours(pod) and labels_of(pod).get(NAME_LABEL) == GATEWAY


def is_of(pod: Document, exit_node: ExitNodeSettings) -> bool:
    return is_ours(pod) and labels_of(pod).get("app.kubernetes.io/instance") == exit_node.hostname


def _allocatable(node: Document) -> dict[str, str]:
    return status_of(node).get("allocatable") or {}
