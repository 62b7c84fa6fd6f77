"""Nodes with taints, full nodes and replaced machines, against the real controllers and scheduler.

The nodes are simulated: a gate's pod passes wherever it runs. What gates measure is in
tests/e2e/test_waves.py.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from components.cluster.labels import GATEWAY
from components.egress.gateway_wave import roll_out_seconds
from operations.delivery import plan
from tests.e2e.lab_fixture import glutton, join, lab_fixture
from workshop.lab.nodes import FLEET, Node
from workshop.testing.checkout import Completed, failed, passed, said
from workshop.testing.lab_fleet import WITHOUT_SECRETS, Fleet
from workshop.testing.waiting import until

pytestmark = pytest.mark.e2e

_TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoExecute"}
_NAIAD = Node(name="naiad", address="203.0.113.9", labels={})


# These tests change its nodes.
deployed = lab_fixture(left_out=WITHOUT_SECRETS, deployed=True)


def _pods(fleet: Fleet, name: str) -> dict[str, str]:
    """Uids of the pods whose `app.kubernetes.io/name` is `name`, by node; "" for no node yet."""
    return {pod["spec"].get("nodeName", ""): pod["metadata"]["uid"] for pod in fleet.pods(name)}


def _gateways(fleet: Fleet) -> dict[str, str]:
    return _pods(fleet, GATEWAY)


def _measured(fleet: Fleet) -> dict[str, str]:
    pods = fleet.pods("oceanid-egress-check")
    assert {pod["status"]["phase"] for pod in pods} == {"Succeeded"}
    return _pods(fleet, "oceanid-egress-check")


def _measured_once_more(fleet: Fleet, gate_seconds: int) -> Completed:
    """An update that changes no gateway and what its gates measure by.

    Half of the seconds is what a check may take to settle: with another half, every node is
    measured once more.
    """
    egress = {"gateSeconds": gate_seconds}
    fleet.change_settings(lambda config: config["oceanid-cluster:egress"].update(egress))
    return fleet.update()


@contextmanager
def _without_a_place_for_a_pod(fleet: Fleet, node: str) -> Iterator[None]:
    path = f"/api/v1/nodes/{node}/status"
    fleet.patch(path, {"status": {"allocatable": {"pods": "1"}}})
    yield
    fleet.patch(path, {"status": {"allocatable": {"pods": "110"}}})


def _set_taints(fleet: Fleet, node: str, taints: list[dict[str, str]] | None) -> None:
    fleet.patch(f"/api/v1/nodes/{node}", {"spec": {"taints": taints}})


def _failures(fleet: Fleet, node: str) -> str:
    """What the preflight's check of nodes fails for, of one node."""
    found = json.loads(fleet.oceanid("preflight", "--json").stdout)["results"]
    return "\n".join(
        f"{each['what']} -> {each['remedy']}"
        for each in found
        if (each["check"], each["verdict"], each["where"]) == ("nodes", "fail", f"node {node}")
    )


@contextmanager
def _joined(fleet: Fleet, node: Node) -> Iterator[None]:
    join(fleet, node)
    yield
    _leaves(fleet, node)


def _leaves(fleet: Fleet, node: Node) -> None:
    with fleet.api() as api:
        api.delete(f"/api/v1/nodes/{node.name}").raise_for_status()
    # The pod garbage collector looks every 20 s, and waits 40 s for the node to come back.
    until(lambda: node.name not in _gateways(fleet), "its gateway goes with it", seconds=240)


def test_a_gateway_runs_and_is_measured_where_the_settings_tolerate_the_taint(
    deployed: Fleet,
) -> None:
    _set_taints(deployed, "calypso", [_TAINT])
    until(lambda: "calypso" not in _gateways(deployed), "the taint ends the gateway")
    said_before = _failures(deployed, "calypso")
    assert "its taint dedicated=gpu:NoExecute keeps gateways away" in said_before
    assert "egress.tolerations" in said_before

    tolerations = [{**_TAINT, "operator": "Equal"}]
    egress = "oceanid-cluster:egress"
    deployed.change_settings(lambda config: config[egress].update(tolerations=tolerations))
    assert _failures(deployed, "calypso") == ""
    passed(deployed.update())
    assert set(_gateways(deployed)) == {"tethys", "styx", "calypso"}
    assert set(_measured(deployed)) == {"tethys", "styx", "calypso"}


def test_an_exit_node_that_a_taint_keeps_away_is_named_and_its_own_setting_lets_it_in(
    deployed: Fleet,
) -> None:
    kept = {**_TAINT, "effect": "NoSchedule"}
    _set_taints(deployed, "tethys", [kept])
    told = _failures(deployed, "tethys")
    assert "keeps the exit node oceanid-dev-exit-tethys away" in told
    assert "exitNodes[0].tolerations" in told

    def tolerate(config: dict[str, Any]) -> None:
        own = {"key": "dedicated", "operator": "Exists"}
        config["oceanid-cluster:exitNodes"][0]["tolerations"] = [own]
        config["oceanid-cluster:egress"]["tolerations"] = [own]

    deployed.change_settings(tolerate)
    assert _failures(deployed, "tethys") == ""
    passed(deployed.update())
    before = _pods(deployed, "tailscale-exit-node")
    assert set(before) == {"tethys"}
    # What would evict any other pod, and did before.
    _set_taints(deployed, "tethys", [kept, _TAINT])
    passed(deployed.update())
    assert _pods(deployed, "tailscale-exit-node") == before
    assert set(_gateways(deployed)) == {"tethys", "styx", "calypso"}


def _timeouts(fleet: Fleet) -> dict[str, float]:
    """Seconds that the state allows for an update of each wave's DaemonSet."""
    resources = json.loads(fleet.oceanid("state export").stdout)["deployment"]["resources"]
    return {
        each["urn"].rpartition("::")[2]: each["customTimeouts"]["update"]
        for each in resources
        if each["type"] == "kubernetes:apps/v1:DaemonSet"
    }


def _seconds(nodes: int) -> float:
    return float(roll_out_seconds(nodes).removesuffix("s"))


def test_another_number_of_nodes_changes_the_time_and_no_gateway(deployed: Fleet) -> None:
    assert _timeouts(deployed)["wave-fleet-gateway"] == _seconds(2)
    before = _gateways(deployed)
    with _joined(deployed, _NAIAD):
        until(lambda: _NAIAD.name in _gateways(deployed), "the new node's gateway")
        result = passed(deployed.update())
        assert _timeouts(deployed)["wave-fleet-gateway"] == _seconds(3) != _seconds(2)
        after = _gateways(deployed)
        assert {node: after[node] for node in before} == before
        # Its gate is the only thing that the engine made.
        assert "+ 1 created" in said(result)
        assert _NAIAD.name in _measured(deployed)


def test_a_gateway_without_a_place_is_named_with_its_node_and_the_schedulers_reason(
    deployed: Fleet,
) -> None:
    taint = [{**_TAINT, "key": "not-yet"}]
    with _joined(deployed, _NAIAD):
        _set_taints(deployed, _NAIAD.name, taint)
        until(lambda: _NAIAD.name not in _gateways(deployed), "it has no gateway for now")
        with glutton(deployed, _NAIAD.name):
            _set_taints(deployed, _NAIAD.name, None)
            until(lambda: "" in _gateways(deployed), "its gateway waits")
            failures = _failures(deployed, _NAIAD.name)
    assert "its gateway waits for a place: " in failures
    assert "Insufficient cpu" in failures


def test_a_machine_that_joins_again_under_its_old_name_is_measured_again_alone(
    deployed: Fleet,
) -> None:
    passed(deployed.update())
    before, uids = _measured(deployed), _uids(deployed)
    # The node that has joined and left is in no gate.
    assert set(before) == {"tethys", "styx", "calypso"}
    (calypso,) = (node for node in FLEET if node.name == "calypso")
    _set_taints(deployed, "tethys", None)
    _leaves(deployed, calypso)
    join(deployed, calypso)
    until(lambda: "calypso" in _gateways(deployed), "its gateway")
    passed(deployed.update())
    after = _measured(deployed)
    assert set(after) == {"tethys", "styx", "calypso"}
    assert {node for node in after if after[node] != before[node]} == {"calypso"}
    assert _uids(deployed)["calypso"] != uids["calypso"]
    assert _planned(deployed) == _uids(deployed)


def _uids(fleet: Fleet) -> dict[str, str]:
    items = fleet.get("/api/v1/nodes")["items"]
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in items}


def _planned(fleet: Fleet) -> dict[str, str]:
    """The nodes and uids of a plan that the engine saves now."""
    path = fleet.home.path / "plan.json"
    settings = fleet.home.path / "project" / "Pulumi.dev.yaml"
    passed(fleet.on_dev(settings, "preview", "--save-plan", str(path)))
    return plan.measured(path)


def test_a_node_without_cpu_to_spare_is_measured(deployed: Fleet) -> None:
    before = _measured(deployed)["calypso"]
    with glutton(deployed, "calypso"):
        passed(_measured_once_more(deployed, gate_seconds=20))
    assert _measured(deployed)["calypso"] != before


def test_a_node_without_a_place_for_a_pod_fails_its_gate_and_the_preflight_says_why(
    deployed: Fleet,
) -> None:
    with _without_a_place_for_a_pod(deployed, "calypso"):
        text = failed(_measured_once_more(deployed, gate_seconds=22))
        told = said(deployed.oceanid("preflight"))
    assert "gate-fleet/calypso" in text
    assert "wave fleet, node calypso: was not measured" in told
    assert "Too many pods" in told
    passed(deployed.update())
    assert set(_measured(deployed)) == {"tethys", "styx", "calypso"}
