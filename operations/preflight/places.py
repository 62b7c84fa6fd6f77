"""Which nodes have a place for the pods that an update starts, or enlarges, there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from preflight import scheduling
from preflight.gateways import standing, unnamed, waiting
from preflight.kubectl import Document, Kind, Refused, View
from preflight.result import UnseenError, Verdict
from preflight.room import smaller
from preflight.scheduling import Obstacle
from preflight.workload import is_ours, pod_template
from settings import ExitNode, Settings
from settings.rendered import gateway_requests

PodsOn = Callable[[str], list[Document] | Refused]
# Nodes whose pods are asked for: each is a request of its own.
MOST = 20
_HOSTNAME = "kubernetes.io/hostname"


class Places:
    """What keeps gateways and exit nodes away from each node of the settings, or caught besides.

    `caught` are the nodes that the settings do not name and that have a gateway or will get one;
    `passed_over` are those whose pods were not asked for, because there are too many of them.
    """

    settings: Settings
    caught: set[str]
    passed_over: list[str]

    def __init__(self, settings: Settings, cluster: View, pods_on: PodsOn) -> None:
        """Ask `pods_on` for the pods of nodes where this update needs room; raises UnseenError."""
        self.settings = settings
        self.caught = set(unnamed(settings, cluster))
        self._waiting = waiting(cluster)
        self._running = _running(cluster)
        # Those where something is to start come before those whose gateway only grows.
        needed = sorted(self._in_need(cluster).items(), key=lambda each: each[1])
        names = [name for name, _ in needed]
        asked, self.passed_over = names[:MOST], names[MOST:]
        with ThreadPoolExecutor(max_workers=MOST) as pool:
            self._pods = dict(zip(asked, pool.map(pods_on, asked), strict=True))

    def _in_need(self, cluster: View) -> dict[str, bool]:
        """The nodes where this update needs room, each with whether only its gateway grows.

        In a fleet at rest there are none.
        """
        wanted = gateway_requests(len(self.settings.exit_nodes))
        have = {pod["spec"]["nodeName"]: pod for pod in standing(cluster)}
        mine = {node.hostname for node in self.settings.nodes} | self.caught
        found = {}
        for node in cluster.items(Kind.NODES):
            name = str(node["metadata"]["name"])
            if name not in mine:
                continue
            starts = name not in have or name in self._waiting or any(self._awaited(name))
            if starts or smaller(have[name], wanted):
                found[name] = not starts
        return found

    def _pinned(self, name: str) -> Iterator[tuple[str, ExitNode]]:
        """The exit nodes of the settings on that node, each with its settings' key."""
        for index, exit_node in enumerate(self.settings.exit_nodes):
            if self.settings.node(exit_node.node).hostname == name:
                yield f"exitNodes[{index}]", exit_node

    def _awaited(self, name: str) -> Iterator[ExitNode]:
        for _, exit_node in self._pinned(name):
            if (exit_node.hostname, name) not in self._running:
                yield exit_node

    def obstacles(self, node: Document) -> Iterator[Obstacle]:
        """What keeps a gateway, or the exit node that is pinned there, away from the node."""
        name = node["metadata"]["name"]
        answer = self._pods.get(name)
        pods = answer if isinstance(answer, list) else None
        starting = [
            each
            for each in self._awaited(name)
            if not any(scheduling.is_of(pod, each) for pod in pods or [])
        ]
        yield from self._of_gateway(node, pods, starting)
        for key, exit_node in self._pinned(name):
            yield from scheduling.of_exit_node(node, exit_node, key)
            if pods is not None and exit_node in starting:
                full = scheduling.without_room_for_exit_node(node, pods, exit_node, key)
                yield from [full] if full is not None else []

    def _of_gateway(
        self, node: Document, pods: list[Document] | None, starting: list[ExitNode]
    ) -> Iterator[Obstacle]:
        lasting = list(scheduling.of_gateway(node, self.settings))
        if lasting:
            yield from lasting
            return
        full = None
        if pods is not None:
            full = scheduling.without_room(node, pods, self.settings, starting)
        why = self._waiting.get(node["metadata"]["name"])
        if why is None:
            yield from [full] if full is not None else []
        elif full is not None:
            yield Obstacle(
                what=f"its gateway waits for a place: {why}; {full.what}",
                remedy=f"{full.remedy}, or take the node out of the settings and give it a taint",
            )
        else:
            # An earlier update made it, with other settings: this one can be the way back.
            yield Obstacle(
                what=f"its gateway waits for a place: {why}",
                remedy="nothing seen keeps the gateway of these settings away: this update can "
                "place it; where it does not, remove what the scheduler names",
                verdict=Verdict.WARN,
            )

    def unseen(self, node: Document) -> str | None:
        """Why the room on a node is not known where it is needed; None where it is."""
        pods = self._pods.get(node["metadata"]["name"])
        return pods.why if isinstance(pods, Refused) else None


def _running(cluster: View) -> set[tuple[str, str]]:
    """This stack's exit nodes with a ready pod: the hostname of each, and the node it is pinned to.

    Empty where they cannot be seen: the pods on their nodes tell then.
    """
    try:
        found = [each for each in cluster.items(Kind.STATEFUL_SETS) if is_ours(each)]
    except UnseenError:
        return set()
    return {
        (each["metadata"]["name"], str(selector[_HOSTNAME]))
        for each in found
        if each.get("status", {}).get("readyReplicas")
        and _HOSTNAME in (selector := pod_template(each).get("spec", {}).get("nodeSelector") or {})
    }
