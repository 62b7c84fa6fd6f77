"""Whether the cluster has every node of the settings, each Ready and with the labels it needs."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.kubectl import Document, Kind, View
from preflight.result import Result, Verdict, listed
from settings import Node, Settings

CHECK = "nodes"
# Waves and gates choose nodes by it.
_HOSTNAME = "kubernetes.io/hostname"


def check(settings: Settings, cluster: View) -> Iterator[Result]:
    """A result for each thing that is wrong with a node, and one for all that are right."""
    found = {node["metadata"]["name"]: node for node in cluster.items(Kind.NODES)}
    wanted = {node.hostname for node in settings.nodes}
    right = 0
    for node in settings.nodes:
        results = list(_judge(node, found.get(node.hostname)))
        right += not any(each.verdict is not Verdict.NOTE for each in results)
        yield from results
    others = sorted(set(found) - wanted)
    if others:
        yield Result(
            check=CHECK,
            verdict=Verdict.NOTE,
            where=listed(others),
            what="in the cluster but not in the settings: gets a gateway that no gate measures",
            remedy="add it to the settings' nodes",
        )
    if right:
        what = "Ready, with its address and the label that waves choose by"
        yield Result(check=CHECK, verdict=Verdict.OK, where=f"{right} nodes", what=what)


def _judge(node: Node, found: Document | None) -> Iterator[Result]:
    where = f"node {node.hostname}"
    unready = _unready(found)
    if unready is not None or found is None:
        yield Result(
            check=CHECK,
            verdict=Verdict.FAIL,
            where=where,
            what=unready or "",
            remedy="mend the node, or take it out of the settings",
        )
        return
    labels = found["metadata"].get("labels", {})
    if labels.get(_HOSTNAME) != node.hostname:
        yield Result(
            check=CHECK,
            verdict=Verdict.FAIL,
            where=where,
            what=f"its label {_HOSTNAME} is {labels.get(_HOSTNAME, 'missing')}: no wave would "
            "choose it",
            remedy=f"kubectl label node {node.hostname} {_HOSTNAME}={node.hostname} --overwrite",
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


def _unready(node: Document | None) -> str | None:
    if node is None:
        return "the cluster has no node of that name"
    conditions = node.get("status", {}).get("conditions", [])
    ready = next((each for each in conditions if each["type"] == "Ready"), None)
    if ready is None:
        return "it has never reported that it is Ready"
    if ready["status"] == "True":
        return None
    since = ready.get("lastTransitionTime", "an unknown time")
    reason = ready.get("message") or ready.get("reason") or "no reason given"
    return f"NotReady since {since}: {reason}"
