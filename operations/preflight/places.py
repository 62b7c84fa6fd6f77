"""Which nodes have a place for the pods that an update starts, or enlarges, there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from components.cluster.labels import HOSTNAME_LABEL
from components.egress.requests import gateway_requests
from operations.errors import RequestError, UnavailableError
from operations.kubernetes.client import Document
from operations.kubernetes.objects import name_of, status_of
from operations.preflight import scheduling
from operations.preflight.finding import PreflightFinding, fail, warn
from operations.preflight.gateways import standing, unnamed, waiting
from operations.preflight.room import smaller
from operations.preflight.view import Kind, View
from operations.preflight.workload import is_ours, pod_spec
from settings import ExitNodeSettings, Settings

# Raises RequestError.
PodsOn = Callable[[str], list[Document]]
# Nodes whose pods are asked for: each is a request of its own.
MOST = 20


class Places:
    """What keeps gateways and exit nodes away from each node of the settings, or caught besides.

    `caught` are the nodes that the settings do not name and that have a gateway or will get one;
    `passed_over` are those whose pods were not asked for, because there are too many of them.
    """

    settings: Settings
    caught: set[str]
    passed_over: list[str]

    def __init__(self, settings: Settings, cluster: View, pods_on: PodsOn) -> None:
        """Ask `pods_on` for the pods of nodes where the update needs room; UnavailableError."""
        self.settings = settings
        self.caught = set(unnamed(settings, cluster))
        self._waiting = waiting(cluster)
        self._running = _running(cluster)
        # Those where something is to start come before those whose gateway only grows.
        needed = sorted(self._in_need(cluster).items(), key=lambda entry: entry[1])
        nodes = [node for node, _ in needed]
        asked, self.passed_over = nodes[:MOST], nodes[MOST:]
        with ThreadPoolExecutor(max_workers=MOST) as pool:
            pods = pool.map(lambda node: _pods(pods_on, node), asked)
            self._pods = dict(zip(asked, pods, strict=True))

    def _in_need(self, cluster: View) -> dict[str, bool]:
        """The nodes where this update needs room, each with whether only its gateway grows.

        In a fleet at rest there are none.
        """
        wanted = gateway_requests(len(self.settings.exit_nodes))
        have = {pod["spec"]["nodeName"]: pod for pod in standing(cluster)}
        mine = {node.hostname for node in self.settings.nodes} | self.caught
        in_need = {}
        for node in map(name_of, cluster.items(Kind.NODES)):
            if node not in mine:
                continue
            starts = node not in have or node in self._waiting or any(self._awaited(node))
            if starts or smaller(have[node], wanted):
                in_need[node] = not starts
        return in_need

    def _pinned(self, node: str) -> Iterator[tuple[str, ExitNodeSettings]]:
        """The exit nodes of the settings on that node, each with its settings' key."""
        for index, exit_node in enumerate(self.settings.exit_nodes):
            if self.settings.node(exit_node.node).hostname == node:
                yield f"exitNodes[{index}]", exit_node

    def _awaited(self, node: str) -> Iterator[ExitNodeSettings]:
        for _, exit_node in self._pinned(node):
            if (exit_node.hostname, node) not in self._running:
                yield exit_node

    def obstacles(self, node: Document) -> Iterator[PreflightFinding]:
        """What keeps a gateway, or the exit node that is pinned there, away from the node."""
        listed = self._pods.get(name_of(node))
        pods = listed if isinstance(listed, list) else None
        starting = [
            exit_node
            for exit_node in self._awaited(name_of(node))
            if not any(scheduling.is_of(pod, exit_node) for pod in pods or [])
        ]
        yield from self._of_gateway(node, pods, starting)
        for key, exit_node in self._pinned(name_of(node)):
            yield from scheduling.of_exit_node(node, exit_node, key)
            if pods is not None and exit_node in starting:
                full = scheduling.without_room_for_exit_node(node, pods, exit_node, key)
                yield from [full] if full is not None else []

    def _of_gateway(
        self, node: Document, pods: list[Document] | None, starting: list[ExitNodeSettings]
    ) -> Iterator[PreflightFinding]:
        lasting = list(scheduling.of_gateway(node, self.settings))
        if lasting:
            yield from lasting
            return
        full = None
        if pods is not None:
            full = scheduling.without_room(node, pods, self.settings, starting)
        where = f"node {name_of(node)}"
        what = f"its gateway waits for a place: {self._waiting.get(name_of(node))}"
        if name_of(node) not in self._waiting:
            yield from [full] if full is not None else []
        elif full is not None:
            remedy = f"{full.remedy}, or take the node out of the settings and give it a taint"
            yield fail(where, f"{what}; {full.what}", remedy)
        else:
            # An earlier update made it, with other settings: this one can be the way back.
            yield warn(
                where,
                what,
                "nothing seen keeps the gateway of these settings away: this update can place it; "
                "where it does not, remove what the scheduler names",
            )

    def unavailable(self, node: Document) -> str | None:
        """Why the room on a node is unknown where it is needed; None where it is known."""
        pods = self._pods.get(name_of(node))
        return str(pods) if isinstance(pods, RequestError) else None


def _pods(pods_on: PodsOn, node: str) -> list[Document] | RequestError:
    try:
        return pods_on(node)
    except RequestError as error:
        return error


def _running(cluster: View) -> set[tuple[str, str]]:
    """This stack's exit nodes with a ready pod: the hostname of each, and the node it is pinned to.

    Empty where they are unavailable: the pods on their nodes tell then.
    """
    try:
        own = filter(is_ours, cluster.items(Kind.STATEFUL_SETS))
    except UnavailableError:
        return set()
    return {
        (name_of(stateful_set), str(selector[HOSTNAME_LABEL]))
        for stateful_set in own
        if status_of(stateful_set).get("readyReplicas")
        and HOSTNAME_LABEL in (selector := pod_spec(stateful_set).get("nodeSelector") or {})
    }
