"""Pods tolerate the taints that the settings name, and no object changes without such a setting."""

import json
import shlex
from typing import Any

import pytest

from components.cluster.toleration import Toleration, as_json
from components.egress.gateway_wave import roll_out_seconds
from settings import Effect, Operator
from workshop.testing.recording import Recording, configured, record_stack

_GPU = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
_MAINTENANCE = {"key": "maintenance", "operator": "Equal", "value": "disk", "effect": "NoExecute"}
_ROLE = {"key": "node-role.kubernetes.io/control-plane", "operator": "Equal"}
# Of the gates' pods, whatever the settings say.
_ANY_KEY = {"operator": "Exists", "effect": "NoSchedule"}


def _pods(recording: Recording, kind: str, label: str) -> list[dict[str, Any]]:
    return [
        each["spec"]["template"]["spec"]
        for each in recording.manifests
        if each["kind"] == kind and each["metadata"]["labels"]["app.kubernetes.io/name"] == label
    ]


def _gateways(recording: Recording) -> list[dict[str, Any]]:
    return _pods(recording, "DaemonSet", "oceanid-gateway")


def _gates(recording: Recording) -> list[dict[str, Any]]:
    return _pods(recording, "Job", "oceanid-egress-check")


def _exit_nodes(recording: Recording) -> list[dict[str, Any]]:
    return _pods(recording, "StatefulSet", "tailscale-exit-node")


@pytest.fixture(scope="module")
def recording() -> Recording:
    egress = configured("egress") | {"tolerations": [_GPU, _MAINTENANCE, {"key": _ROLE["key"]}]}
    exit_nodes = [configured("exitNodes")[0] | {"tolerations": [_MAINTENANCE]}]
    return record_stack("dev", egress=egress, exitNodes=exit_nodes)


def test_every_gateway_tolerates_what_the_settings_name(recording: Recording) -> None:
    assert len(_gateways(recording)) == 2
    for pod in _gateways(recording):
        assert pod["tolerations"] == [_GPU, _MAINTENANCE, _ROLE]


def test_the_prober_and_the_secrets_operator_tolerate_it_too(recording: Recording) -> None:
    (prober,) = _pods(recording, "Deployment", "oceanid-prober")
    assert prober["tolerations"] == [_GPU, _MAINTENANCE, _ROLE]
    (chart,) = recording.of_type("kubernetes:helm.sh/v4:Chart")
    for part in (chart["values"], chart["values"]["webhook"], chart["values"]["certController"]):
        assert part["tolerations"] == [_GPU, _MAINTENANCE, _ROLE]


def test_a_gate_can_measure_wherever_a_gateway_can_run(recording: Recording) -> None:
    assert len(_gates(recording)) == 3
    for pod in _gates(recording):
        assert pod["tolerations"] == [_ANY_KEY, _GPU, _MAINTENANCE, _ROLE]


def test_an_exit_node_tolerates_its_own_list_only(recording: Recording) -> None:
    assert [pod["tolerations"] for pod in _exit_nodes(recording)] == [[_MAINTENANCE]]


def test_without_the_setting_no_pod_has_the_field_but_the_gates() -> None:
    recording = record_stack("dev")
    for pod in (*_gateways(recording), *_exit_nodes(recording)):
        assert "tolerations" not in pod
    assert all(pod["tolerations"] == [_ANY_KEY] for pod in _gates(recording))


def _looks(recording: Recording) -> list[list[str]]:
    commands = [shlex.split(each.args.get("command", "")) for each in recording.invokes]
    return [command for command in commands if "operations.preflight.gateways" in command]


def test_the_gate_looks_at_nodes_with_the_gateways_tolerations(recording: Recording) -> None:
    looks = _looks(recording)
    assert looks
    for command in looks:
        given = json.loads(command[command.index("--tolerations") + 1])
        assert given == [_GPU, _MAINTENANCE, _ROLE]
    assert not any("--tolerations" in command for command in _looks(record_stack("dev")))


def test_the_json_has_kubernetes_names() -> None:
    partition = Toleration(
        key="node.kubernetes.io/unreachable",
        operator=Operator.EXISTS,
        effect=Effect.NO_EXECUTE,
        toleration_seconds=5,
    )
    assert json.loads(as_json([partition]))[0]["tolerationSeconds"] == 5


def test_a_roll_out_has_the_time_that_its_nodes_take_one_after_the_other() -> None:
    # As long as the provider waits by itself, at the least.
    assert roll_out_seconds(0) == roll_out_seconds(1) == "600s"
    assert roll_out_seconds(3) == "840s"
    assert roll_out_seconds(20) == "3900s"
