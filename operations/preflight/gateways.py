"""`python -m preflight.gateways --context NAME [NODE…]`: where gateways are, at this moment.

Prints one JSON object: `gateways`, a list of `node` and `wave`, or None with the reason in `why`;
`unfit`, of the named nodes those on which no pod can measure, each with its reason.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator

from pydantic import TypeAdapter

from preflight.kubectl import Document, Kind, Kubectl, View
from preflight.result import UnseenError
from preflight.scheduling import other_system, unready, untolerated, written
from settings import Settings, Toleration

_WAVE = "oceanid.io/wave"
_ENDED = ("Succeeded", "Failed")
_TOLERATIONS = TypeAdapter(tuple[Toleration, ...])


def gateways(cluster: View) -> Iterator[dict[str, str]]:
    """Node and wave of each gateway that stands on a node and is not going; raises UnseenError."""
    for pod in standing(cluster):
        wave = (pod["metadata"].get("labels") or {}).get(_WAVE)
        yield {"node": pod["spec"]["nodeName"], "wave": str(wave)}


def standing(cluster: View) -> Iterator[Document]:
    """The pod of each gateway that stands on a node and is not going; raises UnseenError.

    The pod of a node that has left stays for up to a minute, until the garbage collector takes it.
    """
    nodes = {node["metadata"]["name"] for node in cluster.items(Kind.NODES)}
    for pod in cluster.items(Kind.GATEWAYS):
        metadata, node = pod["metadata"], pod["spec"].get("nodeName")
        ended = pod.get("status", {}).get("phase") in _ENDED
        if node in nodes and not ended and "deletionTimestamp" not in metadata:
            yield pod


def waiting(cluster: View) -> dict[str, str]:
    """The nodes whose gateway the scheduler has no place for, each with its reason; UnseenError."""
    found = {}
    for pod in cluster.items(Kind.GATEWAYS):
        why = next(
            (
                each.get("message") or each["reason"]
                for each in pod.get("status", {}).get("conditions") or []
                if each["type"] == "PodScheduled" and each["status"] == "False"
            ),
            None,
        )
        going = "deletionTimestamp" in pod["metadata"]
        if why is not None and not going and (name := _bound_to(pod)) is not None:
            found[name] = str(why)
    return found


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

    It is the last wave that catches them. Raises UnseenError.
    """
    named = {node.hostname for node in settings.nodes}
    have = {gateway["node"] for gateway in gateways(cluster)}
    return sorted(
        name
        for node in cluster.items(Kind.NODES)
        if (name := str(node["metadata"]["name"])) not in named
        and (name in have or not untolerated(node, settings.egress.tolerations))
    )


def unfit(
    names: Iterable[str], cluster: View, tolerations: tuple[Toleration, ...] = ()
) -> dict[str, str]:
    """Those of the nodes on which a gate's pod would wait in vain, with why; raises UnseenError.

    Such a pod tolerates all NoSchedule taints, and what gateways tolerate, by `tolerations`
    [components/egress_check.py].
    """
    nodes = {node["metadata"]["name"]: node for node in cluster.items(Kind.NODES)}
    found = {}
    for name in names:
        if name not in nodes:
            found[name] = "the cluster has no node of that name"
            continue
        why = _unmeasurable(nodes[name], tolerations)
        if why is not None:
            found[name] = why
    return found


def _unmeasurable(node: Document, tolerations: tuple[Toleration, ...]) -> str | None:
    if (silent := unready(node)) is not None:
        return silent
    if (system := other_system(node)) is not None:
        return f"it runs {system}, and the check is a container of Linux"
    taints = untolerated(node, tolerations)
    evicting = next((each for each in taints if each["effect"] == "NoExecute"), None)
    return None if evicting is None else f"it has the taint {written(evicting)}"


def main(arguments: list[str]) -> int:
    """Print where the gateways are, or why that cannot be seen."""
    parser = argparse.ArgumentParser(
        prog="python -m preflight.gateways", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--context", required=True, help="a context of the kubeconfig")
    parser.add_argument(
        "--tolerations", default="[]", help="those of the gateways, a JSON list as in the settings"
    )
    parser.add_argument("nodes", nargs="*", help="the nodes that are to be measured")
    options = parser.parse_args(arguments)
    tolerations = _TOLERATIONS.validate_json(options.tolerations)
    cluster = Kubectl(context=options.context).view((Kind.GATEWAYS, Kind.NODES))
    try:
        told: dict[str, object] = {
            "gateways": list(gateways(cluster)),
            "unfit": unfit(options.nodes, cluster, tolerations),
            "why": "",
        }
    except UnseenError as unseen:
        told = {"gateways": None, "unfit": {}, "why": str(unseen)}
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
