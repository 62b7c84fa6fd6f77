"""Waves and gates against the real DaemonSet controller and scheduler.

What the gate's pods measure is simulated (workshop/lab/simulated_checks.py): the tests say what a
node's gateway would show, and look at what the update then does.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.cluster.labels import GATEWAY
from settings import read_file
from settings.names import NAMESPACE
from tests.e2e.lab_fixture import lab_fixture
from workshop.lab.nodes import Node, register
from workshop.testing.checkout import REPOSITORY, Completed, completed, failed, passed
from workshop.testing.lab_fleet import NAMESPACE_PATH, WITHOUT_SECRETS, Fleet
from workshop.testing.waiting import until

pytestmark = pytest.mark.e2e

_DAEMON_SETS = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets"
_LEAK = {"styx": {"egress-address": "191.101.1.3"}}
_ENVOY = read_file(REPOSITORY / "Pulumi.dev.yaml").egress.envoy_image
_NEXT_ENVOY = f"{_ENVOY.rpartition(':')[0]}:v99.0.0"


# These tests leave updates unfinished.
waves = lab_fixture(left_out=WITHOUT_SECRETS)


@pytest.fixture(autouse=True)
def _no_faults(waves: Fleet) -> Iterator[None]:
    yield
    waves.home.check_faults.unlink(missing_ok=True)


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


def _up_with(fleet: Fleet, folder: Path, image: str) -> Completed:
    """`up` with another Envoy image in the settings."""
    text = (fleet.home.path / "project" / "Pulumi.dev.yaml").read_text()
    assert _ENVOY in text
    changed = folder / "Pulumi.dev.yaml"
    changed.write_text(text.replace(_ENVOY, image))
    return fleet.on_dev(changed, "up", "--yes", "--skip-preview")


def _image(daemon_set: dict[str, Any]) -> str:
    containers = daemon_set["spec"]["template"]["spec"]["containers"]
    return next(str(each["image"]) for each in containers if each["name"] == "envoy")


def test_a_failed_gate_on_the_canary_makes_no_second_wave(waves: Fleet) -> None:
    waves.home.check_faults.write_text(json.dumps(_LEAK))
    text = failed(waves.update())
    assert "egress-address" in text
    assert "191.101.1.3" in text
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
    waves.home.check_faults.write_text(json.dumps(_LEAK))
    failed(_up_with(waves, tmp_path, _NEXT_ENVOY))
    after = _daemon_sets(waves)
    assert _image(after["oceanid-gateway-canary"]) == _NEXT_ENVOY
    fleet_after = after["oceanid-gateway-fleet"]
    assert fleet_after["metadata"]["uid"] == fleet_before["metadata"]["uid"]
    assert fleet_after["metadata"]["generation"] == fleet_before["metadata"]["generation"]
    pods_after = _pods(waves, GATEWAY)
    assert {node: pods_after[node] for node in ("tethys", "calypso")} == {
        node: pods_before[node] for node in ("tethys", "calypso")
    }


def test_a_rollback_puts_the_canary_back(waves: Fleet) -> None:
    passed(waves.oceanid("rollback"))
    images = {_image(each) for each in _daemon_sets(waves).values()}
    assert images == {_ENVOY}


def test_an_update_whose_gates_pass_reaches_every_wave(waves: Fleet, tmp_path: Path) -> None:
    passed(_up_with(waves, tmp_path, _NEXT_ENVOY))
    assert {_image(each) for each in _daemon_sets(waves).values()} == {_NEXT_ENVOY}


def test_a_node_that_joins_gets_its_gateway_with_no_command(waves: Fleet) -> None:
    with waves.api() as api:
        register(api, (Node(name="naiad.example", address="203.0.113.9", labels={}),))
    until(lambda: "naiad.example" in _pods(waves, GATEWAY), "the new node's gateway")


def test_an_exit_nodes_pod_that_is_deleted_restarts_nothing_else(waves: Fleet) -> None:
    def uids() -> dict[str, str]:
        return {n: each.split()[0] for n, each in _pods(waves, GATEWAY).items()}

    before = uids()
    pod = f"{NAMESPACE_PATH}/pods/oceanid-dev-exit-tethys-0"
    old = waves.get(pod)["metadata"]["uid"]
    with waves.api() as api:
        api.delete(pod).raise_for_status()
        # It can be seen going, as with a real kubelet, or `kubectl delete` waits in vain.
        going = api.get(pod).raise_for_status().json()["metadata"]
        assert going["uid"] == old
        assert "deletionTimestamp" in going

        def is_new() -> bool:
            answer = api.get(pod)
            return answer.is_success and answer.json()["metadata"]["uid"] != old

        until(is_new, "the StatefulSet has made the pod again")
    assert uids() == before


def test_none_of_that_has_left_a_trace_in_the_work_tree(waves: Fleet) -> None:
    assert passed(completed("git", "status", "--porcelain", cwd=waves.checkout)).stdout == ""
