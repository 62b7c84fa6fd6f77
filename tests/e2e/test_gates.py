"""A gate measures every node there is, or fails and names it: against the real scheduler.

What the gate's pods measure is simulated (lab/simulated_checks.py): the tests say what a node's
gateway would show, and have somebody cordon, taint, fill or add the node.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Any

import pytest
import yaml

from lab.nodes import Node, register, wait_until_ready
from tests.delivery.checkout import said
from tests.e2e.fleet import Fleet, gateways_only
from tests.waiting import until

pytestmark = pytest.mark.e2e

_NAMESPACE = "oceanid-egress"
_OWN_ADDRESS = "192.168.2.80"
_LEAK = {"calypso": {"egress-address": _OWN_ADDRESS}}
_MERGE = {"content-type": "application/merge-patch+json"}
# No longer than needed for a pod that never starts. Half of it is what a check may take to settle:
# with another half, every node is measured once more.
_SECONDS = count(20, 2)
_NAIAD = Node(name="naiad.example", address="203.0.113.9", labels={})


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A lab of its own, because these tests leave updates unfinished."""
    with gateways_only(tmp_path_factory.mktemp("gates")) as one:
        first = _measured_once_more(one)
        assert first.returncode == 0, said(first)
        yield one


@pytest.fixture(autouse=True)
def _no_faults(deployed: Fleet) -> Iterator[None]:
    yield
    deployed.home.check_faults.unlink(missing_ok=True)


def _change(fleet: Fleet, change: Callable[[dict[str, Any]], None]) -> None:
    path = fleet.checkout / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text())
    change(document["config"])
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def _measured_once_more(fleet: Fleet) -> subprocess.CompletedProcess[str]:
    """An update that changes no gateway and what its gates measure by."""
    egress = {"gateSeconds": next(_SECONDS)}
    _change(fleet, lambda config: config["oceanid-cluster:egress"].update(egress))
    return fleet.update()


def _patch(fleet: Fleet, node: str, spec: dict[str, Any]) -> None:
    body = json.dumps({"spec": spec})
    with fleet.api() as api:
        api.patch(f"/api/v1/nodes/{node}", content=body, headers=_MERGE).raise_for_status()


@contextmanager
def _cordoned(fleet: Fleet) -> Iterator[None]:
    _patch(fleet, "calypso", {"unschedulable": True})
    yield
    _patch(fleet, "calypso", {"unschedulable": None})


@contextmanager
def _tainted(fleet: Fleet) -> Iterator[None]:
    taint = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
    _patch(fleet, "calypso", {"taints": [taint]})
    yield
    _patch(fleet, "calypso", {"taints": None})


@contextmanager
def _out_of_cpu(fleet: Fleet) -> Iterator[None]:
    pods = "/api/v1/namespaces/default/pods"
    container = {
        "name": "glutton",
        "image": "registry.example/glutton:1.0.0",
        "resources": {"requests": {"cpu": "8"}},
    }
    spec = {"nodeName": "calypso", "containers": [container]}
    manifest = {"metadata": {"name": "glutton"}, "spec": spec}
    with fleet.api() as api:
        api.post(pods, json=manifest).raise_for_status()
        yield
        api.delete(f"{pods}/glutton").raise_for_status()


@contextmanager
def _without_a_place_for_a_pod(fleet: Fleet) -> Iterator[None]:
    def allow(pods: str) -> None:
        body = json.dumps({"status": {"allocatable": {"pods": pods}}})
        path = "/api/v1/nodes/calypso/status"
        with fleet.api() as api:
            api.patch(path, content=body, headers=_MERGE).raise_for_status()

    allow("1")
    yield
    allow("110")


def _measured(fleet: Fleet) -> dict[str, str]:
    """Phase of the gates' pods by the node on which they ran."""
    selector = "?labelSelector=app.kubernetes.io/name=oceanid-egress-check"
    items = fleet.get(f"/api/v1/namespaces/{_NAMESPACE}/pods{selector}")["items"]
    return {each["spec"].get("nodeName", ""): each["status"]["phase"] for each in items}


@pytest.mark.parametrize("away", [_cordoned, _tainted, _out_of_cpu])
def test_a_node_that_takes_no_pods_is_measured_and_its_leak_fails_the_gate(
    deployed: Fleet, away: Callable[[Fleet], AbstractContextManager[None]]
) -> None:
    deployed.home.check_faults.write_text(json.dumps(_LEAK))
    with away(deployed):
        result = _measured_once_more(deployed)
    text = said(result)
    assert result.returncode != 0
    assert "node calypso: 1 failed: egress-address" in text
    assert _OWN_ADDRESS in text
    assert _measured(deployed)["calypso"] == "Failed"


def test_a_node_without_a_place_for_a_pod_fails_its_gate_and_the_preflight_says_why(
    deployed: Fleet,
) -> None:
    with _without_a_place_for_a_pod(deployed):
        result = _measured_once_more(deployed)
        told = said(deployed.delivery("preflight"))
    assert result.returncode != 0
    assert "gate-fleet/calypso" in said(result)
    assert "wave fleet, node calypso: was not measured" in told
    assert "Too many pods" in told


def test_a_node_that_the_cluster_lacks_fails_the_gate_with_its_name(deployed: Fleet) -> None:
    ghost = {"name": "ghost", "address": "203.0.113.7"}
    _change(deployed, lambda config: config["oceanid-cluster:nodes"].append(ghost))
    result = _measured_once_more(deployed)
    _change(deployed, lambda config: config["oceanid-cluster:nodes"].remove(ghost))
    text = said(result)
    assert result.returncode != 0
    assert "gate fleet: node ghost cannot be measured: the cluster has no node of that name" in text


def test_the_next_update_measures_every_node_and_passes(deployed: Fleet) -> None:
    result = deployed.update()
    assert result.returncode == 0, said(result)
    assert _measured(deployed) == dict.fromkeys(("tethys", "styx", "calypso"), "Succeeded")


def _joined(fleet: Fleet) -> None:
    with fleet.api() as api:
        register(api, (_NAIAD,))
        wait_until_ready(api, (_NAIAD,))


def _has_its_gateway(fleet: Fleet) -> bool:
    selector = "?labelSelector=app.kubernetes.io/name=oceanid-gateway"
    items = fleet.get(f"/api/v1/namespaces/{_NAMESPACE}/pods{selector}")["items"]
    return _NAIAD.name in {each["spec"].get("nodeName") for each in items}


def test_a_node_that_only_the_last_wave_knows_is_measured_too(deployed: Fleet) -> None:
    _joined(deployed)
    until(lambda: _has_its_gateway(deployed), "the new node's gateway")
    leak = {_NAIAD.name: {"egress-address": _NAIAD.address}}
    deployed.home.check_faults.write_text(json.dumps(leak))
    # No setting has changed: that the node is there is reason enough.
    result = deployed.update()
    assert result.returncode != 0
    assert f"node {_NAIAD.name}: 1 failed: egress-address: saw {_NAIAD.address}" in said(result)
    deployed.home.check_faults.unlink()
    result = deployed.update()
    assert result.returncode == 0, said(result)
    assert _measured(deployed)[_NAIAD.name] == "Succeeded"


def test_a_node_that_has_left_is_in_no_gate(deployed: Fleet) -> None:
    with deployed.api() as api:
        api.delete(f"/api/v1/nodes/{_NAIAD.name}").raise_for_status()
    # The pod garbage collector looks every 20 s, and waits 40 s for the node to come back.
    until(lambda: not _has_its_gateway(deployed), "the gateway goes with its node", seconds=240)
    result = deployed.update()
    assert result.returncode == 0, said(result)
    assert set(_measured(deployed)) == {"tethys", "styx", "calypso"}
