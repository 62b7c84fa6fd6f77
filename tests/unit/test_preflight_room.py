"""Where an update starts or enlarges pods, the preflight looks for their room first."""

from typing import Any

from components.egress.requests import gateway_requests
from operations.errors import RequestError
from operations.kubernetes.client import Document
from operations.preflight.checks import nodes
from operations.preflight.finding import PreflightFinding, Verdict
from operations.preflight.places import MOST
from settings import Settings
from tests.unit.seen_cluster import (
    CALYPSO,
    FLEET,
    STYX,
    TETHYS,
    changed_prod,
    fleet_node,
    prod,
    view,
)

_SMALL = {"cpu": "1", "memory": "2Gi", "pods": "110"}
_WHY = "0/3 nodes are available: 1 Insufficient cpu."


def _node(name: str, allocatable: dict[str, str] = _SMALL) -> dict[str, Any]:
    return fleet_node(name, allocatable=allocatable)


def _pod(cpu: str, **labels: str) -> dict[str, Any]:
    container = {"resources": {"requests": {"cpu": cpu}}}
    return {"metadata": {"name": "web", "labels": labels}, "spec": {"containers": [container]}}


def _gateway(name: str, exit_nodes: int = 1, waits: str = "") -> dict[str, Any]:
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    condition = {"type": "PodScheduled", "status": "False", "message": waits}
    return {
        "metadata": {
            "labels": {
                "app.kubernetes.io/name": "oceanid-gateway",
                "app.kubernetes.io/part-of": "oceanid",
                "oceanid.io/wave": "fleet",
            }
        },
        "spec": {
            "affinity": {"nodeAffinity": required},
            "containers": [{"resources": {"requests": gateway_requests(exit_nodes)}}],
            **({} if waits else {"nodeName": name}),
        },
        "status": {"phase": "Pending", "conditions": [condition]} if waits else {},
    }


def _exit_node(hostname: str, name: str) -> dict[str, Any]:
    """The StatefulSet of an exit node that runs on the node."""
    pod = {"spec": {"nodeSelector": {"kubernetes.io/hostname": name}}}
    return {
        "metadata": {"name": hostname, "labels": {"app.kubernetes.io/part-of": "oceanid"}},
        "spec": {"template": pod},
        "status": {"readyReplicas": 1},
    }


def _two_exit_nodes() -> Settings:
    """The operators' settings with a second exit node, on styx."""

    def change(config: dict[str, Any]) -> None:
        config["firewall"]["retire"] = []
        config["exitNodes"].append(
            {"node": "styx", "hostname": "oceanid-exit-styx", "egressAddress": "191.101.1.3"}
        )

    return changed_prod(change)


class _Fleet:
    """Three nodes with a gateway each and the exit node on tethys, but for what a test changes.

    `asked` are the nodes whose pods the check has asked for.
    """

    def __init__(self, *gateways: dict[str, Any], **pods: list[Document] | RequestError) -> None:
        self._gateways = gateways or tuple(map(_gateway, FLEET))
        self._pods = pods
        self.exit_nodes = [_exit_node("oceanid-exit-tethys", TETHYS)]
        self.nodes = [_node(name) for name in FLEET]
        self.asked: list[str] = []

    def _pods_on(self, name: str) -> list[Document]:
        self.asked.append(name)
        pods = self._pods.get(name, [])
        if isinstance(pods, RequestError):
            raise pods
        return pods

    def found(self, settings: Settings | None = None) -> list[PreflightFinding]:
        seen = view(nodes=self.nodes, gateways=list(self._gateways), stateful_sets=self.exit_nodes)
        results = nodes.check(settings or prod(), seen, self._pods_on)
        return [each for each in results if each.verdict in (Verdict.FAIL, Verdict.WARN)]


def test_a_fleet_at_rest_is_asked_for_no_pods() -> None:
    fleet = _Fleet()
    assert (fleet.found(), fleet.asked) == ([], [])
    # Nor is one whose gateways become smaller.
    fleet = _Fleet(*(_gateway(name, exit_nodes=2) for name in FLEET))
    assert (fleet.found(), fleet.asked) == ([], [])


def test_a_full_node_is_named_before_its_first_gateway() -> None:
    fleet = _Fleet(_gateway(TETHYS), _gateway(CALYPSO), srv712695=[_pod("950m")])
    (result,) = fleet.found()
    assert (result.verdict, result.where) == (Verdict.FAIL, f"node {STYX}")
    assert result.what.endswith("100m of cpu are needed, 50m of 1 are free")
    # Nothing is asked of a node whose gateway runs.
    assert fleet.asked == [STYX]


def test_a_node_whose_pods_cannot_be_seen_is_a_warning() -> None:
    refused = RequestError("forbidden")
    (result,) = _Fleet(_gateway(TETHYS), _gateway(CALYPSO), srv712695=refused).found()
    assert (result.verdict, result.where) == (Verdict.WARN, f"node {STYX}")
    assert result.what.endswith("is unknown: forbidden")


def _waiting(**pods: list[Document] | RequestError) -> _Fleet:
    """A fleet where the gateway of styx, made for two exit nodes, waits for a place."""
    waits = _gateway(STYX, exit_nodes=2, waits=_WHY)
    return _Fleet(_gateway(TETHYS), _gateway(CALYPSO), waits, **pods)


def test_a_gateway_that_waits_is_a_warning_where_that_of_the_settings_fits() -> None:
    # Room for the gateway of one exit node (100m), not for that of two (150m).
    (result,) = _waiting(srv712695=[_pod("880m")]).found()
    assert (result.verdict, result.where) == (Verdict.WARN, f"node {STYX}")
    assert result.what == f"its gateway waits for a place: {_WHY}"
    assert "this update can place it" in result.remedy


def test_a_gateway_that_waits_on_a_node_that_is_too_small_is_a_failure() -> None:
    fleet = _waiting()
    fleet.nodes[1] = _node(STYX, {**_SMALL, "cpu": "99m"})
    (result,) = fleet.found()
    assert (result.verdict, result.where) == (Verdict.FAIL, f"node {STYX}")
    assert result.what.startswith("it can hold no gateway")


def test_a_gateway_that_waits_where_no_pods_can_be_seen_is_no_failure() -> None:
    waits, unseen = _waiting(srv712695=RequestError("forbidden")).found()
    assert (waits.verdict, unseen.verdict) == (Verdict.WARN, Verdict.WARN)
    assert waits.what == f"its gateway waits for a place: {_WHY}"
    assert unseen.what.endswith("is unknown: forbidden")


def test_one_more_exit_node_needs_room_for_the_larger_gateway_of_every_node() -> None:
    fits, full = [_pod("850m"), _gateway(TETHYS)], [_pod("860m"), _gateway(CALYPSO)]
    fleet = _Fleet(srv712429=fits, calypso=full)
    (result,) = fleet.found(_two_exit_nodes())
    assert (result.verdict, result.where) == (Verdict.FAIL, f"node {CALYPSO}")
    assert "150m of cpu are needed, 140m of 1 are free" in result.what
    assert "100m of cpu, 196Mi of memory" in result.what
    assert sorted(fleet.asked) == sorted(FLEET)


def test_a_new_exit_node_needs_room_on_its_node_beside_the_gateway() -> None:
    # Room for the new gateway (150m) or for the exit node (50m), not for both.
    (result,) = _Fleet(srv712695=[_pod("820m"), _gateway(STYX)]).found(_two_exit_nodes())
    assert (result.verdict, result.where) == (Verdict.FAIL, f"node {STYX}")
    assert "150m of cpu are needed, 130m of 1 are free" in result.what
    assert "the exit node oceanid-exit-styx, which starts there first, is counted" in result.what
    assert _Fleet(srv712695=[_pod("800m"), _gateway(STYX)]).found(_two_exit_nodes()) == []


def test_a_new_exit_node_without_room_is_named_itself() -> None:
    exit_node, _ = sorted(
        _Fleet(srv712695=[_pod("860m"), _gateway(STYX)]).found(_two_exit_nodes()),
        key=lambda each: "gateway of these settings" in each.what,
    )
    assert (exit_node.verdict, exit_node.where) == (Verdict.FAIL, f"node {STYX}")
    assert "no room for the exit node oceanid-exit-styx: 50m of cpu are needed" in exit_node.what
    assert "exitNodes[1].node" in exit_node.remedy


def test_an_exit_node_that_moves_needs_room_on_its_new_node() -> None:
    fleet = _Fleet(srv712429=[_pod("960m")])
    fleet.exit_nodes = [_exit_node("oceanid-exit-tethys", STYX)]
    exit_node = next(each for each in fleet.found() if "exit node" in each.what)
    assert (exit_node.verdict, exit_node.where) == (Verdict.FAIL, f"node {TETHYS}")


def test_an_exit_node_whose_pod_is_there_but_not_ready_is_not_counted_again() -> None:
    labels = {
        "app.kubernetes.io/part-of": "oceanid",
        "app.kubernetes.io/instance": "oceanid-exit-tethys",
    }
    fleet = _Fleet(srv712429=[_pod("850m"), _pod("50m", **labels), _gateway(TETHYS)])
    fleet.exit_nodes[0]["status"] = {}
    assert (fleet.found(), fleet.asked) == ([], [TETHYS])


def test_only_so_many_nodes_are_asked_and_first_those_where_a_pod_is_to_start() -> None:
    more = [f"naiad-{at:02}" for at in range(MOST + 5)]
    fleet = _Fleet(*map(_gateway, (TETHYS, CALYPSO, *more)))
    fleet.nodes = [*(_node(name) for name in more), *fleet.nodes]
    (result,) = fleet.found(_two_exit_nodes())
    assert (len(fleet.asked), STYX in fleet.asked) == (MOST, True)
    assert result.verdict is Verdict.WARN
    assert result.where.endswith("and 3 more")
    assert f"only {MOST} nodes are asked" in result.what
