"""Whether the cluster has every node of the settings, each Ready, labelled and fit for its pods."""

from __future__ import annotations

from collections.abc import Iterator

from preflight import scheduling
from preflight.kubectl import Document, Kind, View
from preflight.places import MOST, Places, PodsOn
from preflight.result import Result, Verdict, listed
from preflight.scheduling import unready, untolerated, written
from settings import Node, Settings

CHECK = "nodes"
# Waves and gates choose nodes by it.
_HOSTNAME = "kubernetes.io/hostname"
# Of a label that is not the node's name: only the kubelet may set it (docs/runbooks/nodes.md).
_REMEDY_OF_LABEL = (
    "do not relabel it: the kubelet sets it again at its start, and local-path volumes belong to "
    "its value. First look which volumes name the present value, then restart the node's kubelet: "
    "docs/runbooks/nodes.md#a-nodes-label-is-not-its-name"
)


def check(settings: Settings, cluster: View, pods_on: PodsOn) -> Iterator[Result]:
    """A result for each thing that is wrong with a node, and one for all that are right.

    `pods_on` gives the pods of a node; it is asked about nodes where this update needs room.
    """
    found = {node["metadata"]["name"]: node for node in cluster.items(Kind.NODES)}
    wanted = {node.hostname for node in settings.nodes}
    placed = Places(settings, cluster, pods_on)
    right = 0
    for node in settings.nodes:
        results = list(_judge(node, found.get(node.hostname), placed))
        right += not any(each.verdict is not Verdict.NOTE for each in results)
        yield from results
    yield from _others({name: found[name] for name in sorted(set(found) - wanted)}, placed)
    yield from _namesakes(found)
    if placed.passed_over:
        yield Result(
            check=CHECK,
            verdict=Verdict.WARN,
            where=f"nodes {listed(placed.passed_over)}",
            what="whether they have room for what this update starts there was not seen: only "
            f"{MOST} nodes are asked for their pods",
        )
    if right:
        what = "Ready, with its address and the label that waves choose by"
        yield Result(check=CHECK, verdict=Verdict.OK, where=f"{right} nodes", what=what)


def _others(others: dict[str, Document], placed: Places) -> Iterator[Result]:
    caught = [name for name in others if name in placed.caught]
    if caught:
        yield Result(
            check=CHECK,
            verdict=Verdict.NOTE,
            where=listed(caught),
            what="in the cluster but not in the settings: the last wave catches it",
            remedy="add it to the settings' nodes, so that the preflight looks after it",
        )
    for name, node in others.items():
        if name in placed.caught:
            yield from _unusable(node, f"node {name}", placed)
        else:
            taints = untolerated(node, placed.settings.egress.tolerations)
            yield Result(
                check=CHECK,
                verdict=Verdict.NOTE,
                where=f"node {name}",
                what="it is not in the settings, and its taint "
                f"{listed([written(each) for each in taints])} keeps gateways away: nothing on it "
                "can use the egress path",
            )


def _namesakes(found: dict[str, Document]) -> Iterator[Result]:
    """Nodes that carry one label between them: a wave for one of them takes them all."""
    by_label: dict[str, list[str]] = {}
    for name, node in found.items():
        label = (node["metadata"].get("labels") or {}).get(_HOSTNAME)
        if label is not None:
            by_label.setdefault(label, []).append(name)
    for label, names in by_label.items():
        if len(names) > 1:
            yield Result(
                check=CHECK,
                verdict=Verdict.FAIL,
                where=f"nodes {listed(sorted(names))}",
                what=f"all have the label {_HOSTNAME}={label}: a wave for one takes them all",
                remedy="give every node its own name there",
            )


def _unusable(node: Document, where: str, placed: Places) -> Iterator[Result]:
    """What fails the gate of a node that has a gateway, or is to have one."""
    silent = unready(node)
    if silent is not None:
        remedy = "fix the node, or take it out of the settings and of the cluster"
        yield Result(check=CHECK, verdict=Verdict.FAIL, where=where, what=silent, remedy=remedy)
        return
    for obstacle in placed.obstacles(node):
        yield Result(
            check=CHECK,
            verdict=obstacle.verdict,
            where=where,
            what=obstacle.what,
            remedy=obstacle.remedy,
        )
    if (machine := scheduling.other_machine(node)) is not None:
        yield Result(
            check=CHECK,
            verdict=Verdict.WARN,
            where=where,
            what=f"its architecture is {machine}: Envoy is published for amd64 and arm64 only, and "
            "no gateway starts there unless the image of egress.envoyImage has it",
            remedy="name an image that has it, or take the node out of the settings and give it a "
            "taint",
        )
    if (why := placed.unseen(node)) is not None:
        yield Result(
            check=CHECK,
            verdict=Verdict.WARN,
            where=where,
            what=f"whether it has room for what this update starts there was not seen: {why}",
        )


def _judge(node: Node, found: Document | None, placed: Places) -> Iterator[Result]:
    where = f"node {node.hostname}"
    if found is None:
        yield Result(
            check=CHECK,
            verdict=Verdict.FAIL,
            where=where,
            what="the cluster has no node of that name",
            remedy="fix the node, or take it out of the settings",
        )
        return
    unusable = list(_unusable(found, where, placed))
    yield from unusable
    if any(each.verdict is Verdict.FAIL for each in unusable):
        return
    labels = found["metadata"].get("labels", {})
    if labels.get(_HOSTNAME) != node.hostname:
        yield Result(
            check=CHECK,
            verdict=Verdict.FAIL,
            where=where,
            what=f"its label {_HOSTNAME} is {labels.get(_HOSTNAME, 'missing')}: no wave would "
            "choose it",
            remedy=_REMEDY_OF_LABEL,
        )
    absent = sorted(key for key, value in node.labels.items() if labels.get(key) != value)
    if absent:
        what = f"without the label {listed(absent)}: this update sets it"
        yield Result(check=CHECK, verdict=Verdict.NOTE, where=where, what=what)
    addresses = [
        each["address"]
        for each in found.get("status", {}).get("addresses", [])
        if each["type"] in ("InternalIP", "ExternalIP")
    ]
    if addresses and str(node.address) not in addresses:
        yield Result(
            check=CHECK,
            verdict=Verdict.WARN,
            where=where,
            what=f"the settings give {node.address}, the cluster {listed(addresses)}: exit nodes "
            "keep away from the nodes by the settings' addresses",
            remedy="correct the address in the settings",
        )
