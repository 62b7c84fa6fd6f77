"""Waves and gates on real nodes: what the gates measure is what the fleet's packets do.

The tests break the network on one node or outside, and look at what the update then does.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cluster.labels import GATEWAY
from settings.names import NAMESPACE
from tests.e2e.lab_fixture import replace_pod
from tests.e2e.real_faults import leaving_by, pods_without_api_server
from workshop.lab.network.plan import TRITON
from workshop.lab.node import fleet as lab
from workshop.lab.node_kind import NodeKind
from workshop.testing.checkout import Checkout, Completed, completed, failed, passed
from workshop.testing.lab_fleet import NAMESPACE_PATH, WITHOUT_SECRETS, Fleet, running_lab
from workshop.testing.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.network]

_DAEMON_SETS = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets"
_ENDPOINT_SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"
_CALYPSO = "/api/v1/nodes/calypso"
_OWN_ADDRESS = "191.101.1.3"
# What is broken here stays so: no gate need wait long for it to settle. A busy machine must still
# start the gate's pod and see it end in that time, or the Job takes the pod and its message away.
_GATE_SECONDS = 80
# Half of it is what a check may take to settle: with another half, every node is measured again.
# Longer, for here the canary's gate passes before the other one fails.
_OTHER_SECONDS = count(_GATE_SECONDS + 60, 2)
# A busy machine may let another check fail as well.
_WITHOUT_API_SERVER = re.compile(r"\d of \d checks failed: .*cluster-api")
# Another pod template, and so a roll-out, by what the nodes' images allow.
_NEXT = {"key": "example.com/next", "operator": "Exists", "effect": "NoSchedule"}


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A lab of its own, because these tests leave updates unfinished; its gates are short."""
    folder = tmp_path_factory.mktemp("waves")
    with running_lab(folder, left_out=WITHOUT_SECRETS, nodes=NodeKind.REAL) as fleet:
        egress = {"gateSeconds": _GATE_SECONDS}
        fleet.change_settings(lambda config: config["oceanid-cluster:egress"].update(egress))
        # A rollback goes by the commit.
        Checkout(path=fleet.checkout).commit("Short gates")
        yield fleet


def _daemon_sets(fleet: Fleet) -> dict[str, Any]:
    return {each["metadata"]["name"]: each for each in fleet.get(_DAEMON_SETS)["items"]}


def _pods(fleet: Fleet, name: str) -> dict[str, str]:
    """Uid and resource version of the pods whose `app.kubernetes.io/name` is `name`, by node.

    Without the pods that stand on no node yet: the DaemonSet controller makes a pod, and the
    scheduler gives it its node a moment later.
    """
    return {
        pod["spec"]["nodeName"]: f"{pod['metadata']['uid']} {pod['metadata']['resourceVersion']}"
        for pod in fleet.pods(name)
        if "nodeName" in pod["spec"]
    }


def _measured(fleet: Fleet) -> dict[str, str]:
    """What each gate's pod has left as its message, by its node."""
    return {
        pod["spec"]["nodeName"]: str(pod["status"]["containerStatuses"][0]["state"])
        for pod in fleet.pods("oceanid-egress-check")
    }


def _up_with_next(fleet: Fleet, folder: Path) -> Completed:
    """`up` with gateways that tolerate one taint more."""
    document = yaml.safe_load((fleet.home.path / "project" / "Pulumi.dev.yaml").read_text())
    document["config"]["oceanid-cluster:egress"]["tolerations"] = [_NEXT]
    changed = folder / "Pulumi.dev.yaml"
    changed.write_text(yaml.safe_dump(document))
    return fleet.on_dev(changed, "up", "--yes", "--skip-preview")


def _is_next(daemon_set: dict[str, Any]) -> bool:
    tolerations = daemon_set["spec"]["template"]["spec"].get("tolerations") or []
    return _NEXT["key"] in {each.get("key") for each in tolerations}


def test_a_failed_gate_on_the_canary_makes_no_second_wave(waves: Fleet) -> None:
    with leaving_by(waves, _OWN_ADDRESS):
        text = failed(waves.update())
    assert "node styx" in text
    assert "egress-address" in text
    assert _OWN_ADDRESS in text
    assert set(_daemon_sets(waves)) == {"oceanid-gateway-canary"}


def test_the_next_up_measures_again_and_finishes(waves: Fleet) -> None:
    passed(waves.update())
    assert set(_daemon_sets(waves)) == {"oceanid-gateway-canary", "oceanid-gateway-fleet"}
    assert set(_pods(waves, GATEWAY)) == {"tethys", "styx", "calypso"}


def test_a_stack_that_has_not_changed_is_not_measured_again(waves: Fleet) -> None:
    before = _pods(waves, "oceanid-egress-check")
    passed(waves.update("--expect-no-changes"))
    assert before
    assert _pods(waves, "oceanid-egress-check") == before


def test_a_failed_gate_on_an_update_leaves_the_next_wave_untouched(
    waves: Fleet, tmp_path: Path
) -> None:
    fleet_before = _daemon_sets(waves)["oceanid-gateway-fleet"]
    pods_before = _pods(waves, GATEWAY)
    with pods_without_api_server(waves, "styx"):
        failed(_up_with_next(waves, tmp_path))
    assert _WITHOUT_API_SERVER.search(_measured(waves)["styx"])
    after = _daemon_sets(waves)
    assert _is_next(after["oceanid-gateway-canary"])
    fleet_after = after["oceanid-gateway-fleet"]
    assert fleet_after["metadata"]["uid"] == fleet_before["metadata"]["uid"]
    assert fleet_after["metadata"]["generation"] == fleet_before["metadata"]["generation"]
    pods_after = _pods(waves, GATEWAY)
    assert {node: pods_after[node] for node in ("tethys", "calypso")} == {
        node: pods_before[node] for node in ("tethys", "calypso")
    }


def test_a_rollback_puts_the_canary_back(waves: Fleet) -> None:
    passed(waves.oceanid("rollback"))
    assert not any(map(_is_next, _daemon_sets(waves).values()))


def test_an_update_whose_gates_pass_reaches_every_wave(waves: Fleet, tmp_path: Path) -> None:
    passed(_up_with_next(waves, tmp_path))
    assert all(map(_is_next, _daemon_sets(waves).values()))


def test_a_node_that_joins_gets_its_gateway_with_no_command(waves: Fleet) -> None:
    lab.add_node(waves.home, TRITON.name)
    until(lambda: TRITON.name in _pods(waves, GATEWAY), "the new node's gateway")


def test_an_exit_nodes_pod_that_is_deleted_restarts_nothing_else(waves: Fleet) -> None:
    def uids() -> dict[str, str]:
        return {n: each.split()[0] for n, each in _pods(waves, GATEWAY).items()}

    before = uids()
    replace_pod(waves, f"{NAMESPACE_PATH}/pods/oceanid-dev-exit-tethys-0")
    until(lambda: _exit_node_is_served(waves), "its Service has the new pod")
    assert uids() == before


def _exit_node_is_served(fleet: Fleet) -> bool:
    """Whether the exit node's Service has an endpoint that is ready."""
    query = "labelSelector=kubernetes.io/service-name=oceanid-dev-exit-tethys"
    slices = fleet.get(f"{_ENDPOINT_SLICES}?{query}")["items"]
    endpoints = [each for one in slices for each in one["endpoints"] or []]
    return any(each["conditions"].get("ready") for each in endpoints)


@contextmanager
def _calypso_cordoned(fleet: Fleet) -> Iterator[None]:
    """The node takes no new pods, as after `kubectl cordon`."""
    fleet.patch(_CALYPSO, {"spec": {"unschedulable": True}})
    yield
    fleet.patch(_CALYPSO, {"spec": {"unschedulable": None}})


@contextmanager
def _calypso_tainted(fleet: Fleet) -> Iterator[None]:
    """The node takes no new pods that do not tolerate its taint."""
    taint = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
    fleet.patch(_CALYPSO, {"spec": {"taints": [taint]}})
    yield
    fleet.patch(_CALYPSO, {"spec": {"taints": None}})


@pytest.mark.parametrize("away", [_calypso_cordoned, _calypso_tainted])
def test_a_node_that_takes_no_pods_is_measured_and_its_fault_fails_the_gate(
    waves: Fleet, away: Callable[[Fleet], AbstractContextManager[None]]
) -> None:
    egress = {"gateSeconds": next(_OTHER_SECONDS)}
    waves.change_settings(lambda config: config["oceanid-cluster:egress"].update(egress))
    with away(waves), pods_without_api_server(waves, "calypso"):
        text = failed(waves.update())
    assert "oceanid-check-fleet-calypso" in text
    assert _WITHOUT_API_SERVER.search(_measured(waves)["calypso"])


def test_none_of_that_has_left_a_trace_in_the_work_tree(waves: Fleet) -> None:
    passed(completed("git", "checkout", "--quiet", "Pulumi.dev.yaml", cwd=waves.checkout))
    assert passed(completed("git", "status", "--porcelain", cwd=waves.checkout)).stdout == ""
