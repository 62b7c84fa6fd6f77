"""Nodes with taints, full nodes and replaced machines, against the real controllers and scheduler.

What the gates' pods measure is simulated (lab/simulated_checks.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from components.worker_egress import roll_out_seconds
from delivery import plan
from lab.nodes import FLEET, Node, register, wait_until_ready
from tests.delivery.checkout import said
from tests.e2e.fleet import Fleet, gateways_only
from tests.waiting import until

pytestmark = pytest.mark.e2e

_NAMESPACE = "oceanid-egress"
_MERGE = {"content-type": "application/merge-patch+json"}
_TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoExecute"}
_NAIAD = Node(name="naiad", address="203.0.113.9", labels={})


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A lab of its own, because these tests change its nodes."""
    with gateways_only(tmp_path_factory.mktemp("taints")) as one:
        first = one.update()
        assert first.returncode == 0, said(first)
        yield one


def _pods(fleet: Fleet, name: str) -> dict[str, str]:
    """Uids of the pods whose `app.kubernetes.io/name` is `name`, by node; "" for no node yet."""
    selector = f"?labelSelector=app.kubernetes.io/name={name}"
    items = fleet.get(f"/api/v1/namespaces/{_NAMESPACE}/pods{selector}")["items"]
    return {each["spec"].get("nodeName", ""): each["metadata"]["uid"] for each in items}


def _gateways(fleet: Fleet) -> dict[str, str]:
    return _pods(fleet, "oceanid-gateway")


def _measured(fleet: Fleet) -> dict[str, str]:
    return _pods(fleet, "oceanid-egress-check")


def _change(fleet: Fleet, change: Callable[[dict[str, Any]], None]) -> None:
    path = fleet.checkout / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text())
    change(document["config"])
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def _set_taints(fleet: Fleet, node: str, taints: list[dict[str, str]] | None) -> None:
    body = json.dumps({"spec": {"taints": taints}})
    with fleet.api() as api:
        api.patch(f"/api/v1/nodes/{node}", content=body, headers=_MERGE).raise_for_status()


def _failures(fleet: Fleet, node: str) -> str:
    """What the preflight's check of nodes fails for, of one node."""
    found = json.loads(fleet.delivery("preflight", "--json").stdout)["results"]
    return "\n".join(
        f"{each['what']} -> {each['remedy']}"
        for each in found
        if (each["check"], each["verdict"], each["where"]) == ("nodes", "fail", f"node {node}")
    )


@contextmanager
def _joined(fleet: Fleet, node: Node) -> Iterator[None]:
    with fleet.api() as api:
        register(api, (node,))
        wait_until_ready(api, (node,))
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
    _change(deployed, lambda config: config[egress].update(tolerations=tolerations))
    assert _failures(deployed, "calypso") == ""
    result = deployed.update()
    assert result.returncode == 0, said(result)
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

    _change(deployed, tolerate)
    assert _failures(deployed, "tethys") == ""
    result = deployed.update()
    assert result.returncode == 0, said(result)
    before = _pods(deployed, "tailscale-exit-node")
    assert set(before) == {"tethys"}
    # What would evict any other pod, and did before.
    _set_taints(deployed, "tethys", [kept, _TAINT])
    result = deployed.update()
    assert result.returncode == 0, said(result)
    assert _pods(deployed, "tailscale-exit-node") == before
    assert set(_gateways(deployed)) == {"tethys", "styx", "calypso"}


def _timeouts(fleet: Fleet) -> dict[str, float]:
    """Seconds that the state allows for an update of each wave's DaemonSet."""
    resources = json.loads(fleet.delivery("export").stdout)["deployment"]["resources"]
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
        result = deployed.update()
        assert result.returncode == 0, said(result)
        assert _timeouts(deployed)["wave-fleet-gateway"] == _seconds(3) != _seconds(2)
        after = _gateways(deployed)
        assert {node: after[node] for node in before} == before
        # Its gate is the only thing that the engine made.
        assert "+ 1 created" in said(result)


def test_a_gateway_without_a_place_is_named_with_its_node_and_the_schedulers_reason(
    deployed: Fleet,
) -> None:
    container = {
        "name": "glutton",
        "image": "registry.example/glutton:1.0.0",
        "resources": {"requests": {"cpu": "8"}},
    }
    spec = {
        "nodeName": _NAIAD.name,
        "containers": [container],
        "tolerations": [{"operator": "Exists"}],
    }
    taint = [{**_TAINT, "key": "not-yet"}]
    with _joined(deployed, _NAIAD), deployed.api() as api:
        _set_taints(deployed, _NAIAD.name, taint)
        until(lambda: _NAIAD.name not in _gateways(deployed), "it has no gateway for now")
        pods = "/api/v1/namespaces/default/pods"
        glutton = {"metadata": {"name": "glutton"}, "spec": spec}
        api.post(pods, json=glutton).raise_for_status()
        _set_taints(deployed, _NAIAD.name, None)
        until(lambda: "" in _gateways(deployed), "its gateway waits")
        told = _failures(deployed, _NAIAD.name)
        api.delete(f"{pods}/glutton").raise_for_status()
    assert "its gateway waits for a place: " in told
    assert "Insufficient cpu" in told


def test_a_machine_that_joins_again_under_its_old_name_is_measured_again_alone(
    deployed: Fleet,
) -> None:
    result = deployed.update()
    assert result.returncode == 0, said(result)
    before, uids = _measured(deployed), _uids(deployed)
    (calypso,) = (node for node in FLEET if node.name == "calypso")
    _set_taints(deployed, "tethys", None)
    _leaves(deployed, calypso)
    with deployed.api() as api:
        register(api, (calypso,))
        wait_until_ready(api, (calypso,))
    until(lambda: "calypso" in _gateways(deployed), "its gateway")
    result = deployed.update()
    assert result.returncode == 0, said(result)
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
    options = ("--stack", "dev", "--save-plan", str(path))
    project = fleet.home.path / "project" / "Pulumi.dev.yaml"
    chosen = (*options, "--config-file", str(project), "--policy-pack", "policies")
    result = fleet.engine(fleet.checkout, "preview", *chosen)
    assert result.returncode == 0, said(result)
    return plan.measured(path)
