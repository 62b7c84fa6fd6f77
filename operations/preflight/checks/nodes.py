"""Whether the cluster has every node of the settings, each Ready, labelled and fit for its pods."""

from collections.abc import Iterator

from components.cluster.labels import HOSTNAME_LABEL
from operations.kubernetes.client import Document
from operations.kubernetes.objects import labels_of, name_of, status_of
from operations.preflight import scheduling
from operations.preflight.finding import PreflightFinding, Verdict, fail, listed, note, ok, warn
from operations.preflight.places import MOST, Places, PodsOn
from operations.preflight.scheduling import unready, untolerated, written
from operations.preflight.view import Kind, View
from settings import FleetNode, Settings

# Of a label that is not the node's name: only the kubelet may set it (docs/runbooks/nodes.md).
_REMEDY_OF_LABEL = (
    "do not relabel it: the kubelet sets it again at its start, and local-path volumes belong to "
    "its value. First look which volumes name the present value, then restart the node's kubelet: "
    "docs/runbooks/nodes.md#a-nodes-label-is-not-its-name"
)


def check(settings: Settings, cluster: View, pods_on: PodsOn) -> Iterator[PreflightFinding]:
    """A finding for each thing that is wrong with a node, and one for all that are right.

    `pods_on` gives the pods of a node; it is asked about nodes where this update needs room.
    """
    present = {name_of(node): node for node in cluster.items(Kind.NODES)}
    wanted = {node.hostname for node in settings.nodes}
    places = Places(settings, cluster, pods_on)
    right = 0
    for node in settings.nodes:
        findings = list(_judge(node, present.get(node.hostname), places))
        right += all(finding.verdict is Verdict.NOTE for finding in findings)
        yield from findings
    yield from _others({name: present[name] for name in sorted(set(present) - wanted)}, places)
    yield from _namesakes(present)
    if places.passed_over:
        yield warn(
            f"nodes {listed(places.passed_over)}",
            "whether they have room for what this update starts there is unknown: only "
            f"{MOST} nodes are asked for their pods",
        )
    if right:
        yield ok(f"{right} nodes", "Ready, with its address and the label that waves choose by")


def _others(others: dict[str, Document], places: Places) -> Iterator[PreflightFinding]:
    caught = [name for name in others if name in places.caught]
    if caught:
        yield note(
            listed(caught),
            "in the cluster but not in the settings: the last wave catches it",
            "add it to the settings' nodes, so that the preflight looks after it",
        )
    for name, node in others.items():
        if name in places.caught:
            yield from _unusable(node, places)
        else:
            taints = untolerated(node, places.settings.egress.tolerations)
            yield note(
                f"node {name}",
                f"it is not in the settings, and its taint {listed(list(map(written, taints)))} "
                "keeps gateways away: nothing on it can use the egress path",
            )


def _namesakes(present: dict[str, Document]) -> Iterator[PreflightFinding]:
    """Nodes that carry one label between them: a wave for one of them takes them all."""
    by_label: dict[str, list[str]] = {}
    for name, node in present.items():
        if (label := labels_of(node).get(HOSTNAME_LABEL)) is not None:
            by_label.setdefault(label, []).append(name)
    for label, names in by_label.items():
        if len(names) > 1:
            yield fail(
                f"nodes {listed(sorted(names))}",
                f"all have the label {HOSTNAME_LABEL}={label}: a wave for one takes them all",
                "give every node its own name there",
            )


def _unusable(node: Document, places: Places) -> Iterator[PreflightFinding]:
    """What fails the gate of a node that has a gateway, or is to have one."""
    where = f"node {name_of(node)}"
    silent = unready(node)
    if silent is not None:
        yield fail(where, silent, "fix the node, or take it out of the settings and of the cluster")
        return
    yield from places.obstacles(node)
    if (machine := scheduling.other_machine(node)) is not None:
        yield warn(
            where,
            f"its architecture is {machine}: Envoy is published for amd64 and arm64 only, and "
            "no gateway starts there unless the image of egress.envoyImage has it",
            "name an image that has it, or take the node out of the settings and give it a taint",
        )
    if (why := places.unavailable(node)) is not None:
        what = f"whether it has room for what this update starts there is unknown: {why}"
        yield warn(where, what)


def _judge(node: FleetNode, present: Document | None, places: Places) -> Iterator[PreflightFinding]:
    where = f"node {node.hostname}"
    if present is None:
        remedy = "fix the node, or take it out of the settings"
        yield fail(where, "the cluster has no node of that name", remedy)
        return
    unusable = list(_unusable(present, places))
    yield from unusable
    if any(finding.verdict is Verdict.FAIL for finding in unusable):
        return
    label = labels_of(present).get(HOSTNAME_LABEL, "missing")
    if label != node.hostname:
        what = f"its label {HOSTNAME_LABEL} is {label}: no wave would choose it"
        yield fail(where, what, _REMEDY_OF_LABEL)
    absent = sorted(k for k, value in node.labels.items() if labels_of(present).get(k) != value)
    if absent:
        yield note(where, f"without the label {listed(absent)}: this update sets it")
    addresses = [
        entry["address"]
        for entry in status_of(present).get("addresses", [])
        if entry["type"] in ("InternalIP", "ExternalIP")
    ]
    if addresses and str(node.address) not in addresses:
        yield warn(
            where,
            f"the settings give {node.address}, the cluster {listed(addresses)}: exit nodes "
            "keep away from the nodes by the settings' addresses",
            "correct the address in the settings",
        )
