"""`operations.preflight.gateways --context NAME [NODE…]`: where gateways are, at this moment.

Prints one JSON object: `gateways`, a list of `node` and `wave`, or None with the reason in `why`;
`unfit`, of the named nodes those on which no pod can measure, each with its reason.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator

from pydantic import TypeAdapter

from components.cluster.labels import WAVE_LABEL
from operations.errors import UnavailableError
from operations.kubernetes.client import Document, KubernetesClient
from operations.kubernetes.objects import condition, labels_of, name_of, status_of
from operations.preflight.scheduling import other_system, unready, untolerated, written
from operations.preflight.view import Kind, View, view
from settings import Settings, Toleration

_ENDED = ("Succeeded", "Failed")
_TOLERATIONS = TypeAdapter(tuple[Toleration, ...])


def gateways(cluster: View) -> Iterator[dict[str, str]]:
    """Node and wave of each gateway on a node that is not going; raises UnavailableError."""
    for pod in standing(cluster):
        yield {"node": pod["spec"]["nodeName"], "wave": str(labels_of(pod).get(WAVE_LABEL))}


def standing(cluster: View) -> Iterator[Document]:
    """The pod of each gateway that stands on a node and is not going; raises UnavailableError.

    The pod of a node that has left stays for up to a minute, until the garbage collector takes it.
    """
    nodes = set(map(name_of, cluster.items(Kind.NODES)))
    for pod in cluster.items(Kind.GATEWAYS):
        going = status_of(pod).get("phase") in _ENDED or "deletionTimestamp" in pod["metadata"]
        if pod["spec"].get("nodeName") in nodes and not going:
            yield pod


def waiting(cluster: View) -> dict[str, str]:
    """The nodes whose gateway finds no place, each with the reason; raises UnavailableError."""
    reasons = {}
    for pod in cluster.items(Kind.GATEWAYS):
        scheduled = condition(pod, "PodScheduled")
        waits = scheduled.get("status") == "False" and "deletionTimestamp" not in pod["metadata"]
        if waits and (node := _bound_to(pod)) is not None:
            reasons[node] = str(scheduled.get("message") or scheduled["reason"])
    return reasons


def _bound_to(pod: Document) -> str | None:
    """The node for which the DaemonSet controller made the pod: its affinity is to that name."""
    affinity = pod["spec"].get("affinity", {}).get("nodeAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {})
    return next(
        (
            str(field["values"][0])
            for term in required.get("nodeSelectorTerms") or []
            for field in term.get("matchFields") or []
            if field["key"] == "metadata.name"
        ),
        None,
    )


def unnamed(settings: Settings, cluster: View) -> list[str]:
    """The nodes that the settings do not name and that have a gateway, or will get one.

    It is the last wave that catches them. Raises UnavailableError.
    """
    named = {node.hostname for node in settings.nodes}
    have = {gateway["node"] for gateway in gateways(cluster)}
    return sorted(
        name_of(node)
        for node in cluster.items(Kind.NODES)
        if name_of(node) not in named
        and (name_of(node) in have or not untolerated(node, settings.egress.tolerations))
    )


def unfit(
    names: Iterable[str], cluster: View, tolerations: tuple[Toleration, ...] = ()
) -> dict[str, str]:
    """The nodes on which a gate's pod would wait in vain, with why; raises UnavailableError.

    Such a pod tolerates all NoSchedule taints, and what gateways tolerate, by `tolerations`
    [components/egress/gate.py].
    """
    nodes = {name_of(node): node for node in cluster.items(Kind.NODES)}
    reasons = {node: _unmeasurable(nodes.get(node), tolerations) for node in names}
    return {node: why for node, why in reasons.items() if why is not None}


def _unmeasurable(node: Document | None, tolerations: tuple[Toleration, ...]) -> str | None:
    if node is None:
        return "the cluster has no node of that name"
    if (silent := unready(node)) is not None:
        return silent
    if (system := other_system(node)) is not None:
        return f"it runs {system}, and the check is a container of Linux"
    taints = untolerated(node, tolerations)
    evicting = next((taint for taint in taints if taint["effect"] == "NoExecute"), None)
    return None if evicting is None else f"it has the taint {written(evicting)}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m operations.preflight.gateways", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--context", required=True, help="a context of the kubeconfig")
    parser.add_argument(
        "--tolerations", default="[]", help="those of the gateways, a JSON list as in the settings"
    )
    parser.add_argument("nodes", nargs="*", help="the nodes that are to be measured")
    options = parser.parse_args(arguments)
    tolerations = _TOLERATIONS.validate_json(options.tolerations)
    with KubernetesClient(context=options.context) as client:
        cluster = view(client, (Kind.GATEWAYS, Kind.NODES))
    try:
        document: dict[str, object] = {
            "gateways": list(gateways(cluster)),
            "unfit": unfit(options.nodes, cluster, tolerations),
            "why": "",
        }
    except UnavailableError as error:
        document = {"gateways": None, "unfit": {}, "why": str(error)}
    print(json.dumps(document))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
