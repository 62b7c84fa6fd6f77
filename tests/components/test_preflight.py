"""The preflight of a rollback: what it finds is shown, and stops nothing."""

from typing import Any

import pulumi
import pytest

from workshop.testing.recording import Recording, World, configured, record_stack

_NO_API_SERVERS = {
    "check": "api-servers",
    "where": "default/kubernetes",
    "what": "no endpoint is ready, and cluster.apiServer is not given",
    "remedy": "name every API server in cluster.apiServer",
    "verdict": "fail",
}

_DEAD = {
    "check": "nodes",
    "where": "node styx",
    "what": "the cluster has no node of that name",
    "remedy": "fix the node",
    "verdict": "fail",
}


def test_a_rollback_is_not_refused_for_what_it_goes_back_to(
    monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    with pytest.raises(pulumi.RunError, match="nothing has been changed"):
        record_stack("prod", World(problems=[_DEAD]))
    monkeypatch.setenv("OCEANID_ROLLBACK", "1")
    assert record_stack("prod", World(problems=[_DEAD])).of_type("kubernetes:apps/v1:DaemonSet")
    assert warnings == [
        "preflight nodes: node styx: the cluster has no node of that name: fix the node"
    ]


def test_a_rollback_is_said_by_1_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCEANID_ROLLBACK", "0")
    with pytest.raises(pulumi.RunError, match=r"^OCEANID_ROLLBACK = 0: not 1: set it to 1 "):
        record_stack("prod")


def test_a_plan_for_other_nodes_is_refused_before_anything_is_registered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCEANID_PLANNED_NODES", "srv712695 srv712429 calypso")
    assert record_stack("prod").of_type("kubernetes:apps/v1:DaemonSet")
    joined = World(unnamed=["naiad"])
    with pytest.raises(pulumi.RunError, match=r"^nodes have joined or left .*: naiad: plan again"):
        record_stack("prod", joined)
    monkeypatch.setenv("OCEANID_PLANNED_NODES", "srv712695 srv712429 calypso naiad")
    assert record_stack("prod", joined).of_type("kubernetes:apps/v1:DaemonSet")
    with pytest.raises(pulumi.RunError, match=r": naiad: .*nothing has been changed$"):
        record_stack("prod")


def test_a_plan_for_other_api_servers_is_refused_before_anything_is_registered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = ["157.173.210.123:6443", "[2001:db8::1]:6443"]
    monkeypatch.setenv("OCEANID_PLANNED_API_SERVERS", " ".join(both))
    recording = record_stack("dev", World(api_servers=both))
    assert recording.outputs["apiServers"] == both
    moved = World(api_servers=["157.173.210.123:6443", "[2001:db8::2]:6443"])
    with pytest.raises(pulumi.RunError, match=r"^API servers have joined or left .*: plan again"):
        record_stack("dev", moved)


def test_a_plan_for_a_machine_that_has_been_reinstalled_since_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCEANID_PLANNED_NODES", "srv712695=a srv712429= calypso=c")
    uids = {"srv712695": "a", "srv712429": "b", "calypso": "c"}
    assert record_stack("prod", World(uids=uids)).of_type("kubernetes:apps/v1:DaemonSet")
    with pytest.raises(pulumi.RunError, match=r": calypso: .*nothing has been changed$"):
        record_stack("prod", World(uids=uids | {"calypso": "d"}))


def test_no_environment_makes_the_provider_drop_what_it_cannot_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The provider's own advice; the SDK would take both from the environment.
    monkeypatch.setenv("PULUMI_K8S_DELETE_UNREACHABLE", "true")
    monkeypatch.setenv("PULUMI_K8S_SKIP_UPDATE_UNREACHABLE", "true")
    (provider,) = record_stack("prod", World()).of_type("pulumi:providers:kubernetes")
    assert provider["deleteUnreachable"] == "false"
    assert provider["skipUpdateUnreachable"] == "false"


@pytest.mark.parametrize("rollback", ["", "1"])
def test_without_an_api_server_to_name_nothing_is_rendered_whatever_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, rollback: str
) -> None:
    monkeypatch.setenv("OCEANID_ROLLBACK", rollback)
    world = World(api_servers=None, problems=[_DEAD, _NO_API_SERVERS])
    assert configured("preflight", "dev") == {"onFailure": "warn"}
    with pytest.raises(pulumi.RunError) as refused:
        record_stack("dev", world)
    assert str(refused.value).splitlines() == [
        (
            "preflight api-servers: default/kubernetes: no endpoint is ready, and "
            "cluster.apiServer is not given: name every API server in cluster.apiServer"
        ),
        "nothing has been changed",
    ]


def _rules(recording: Recording) -> dict[str, Any]:
    return {f"{each.typ} {each.name}": each.inputs for each in recording.resources}


def test_an_api_server_that_moves_or_joins_changes_networkpolicies_only() -> None:
    before = _rules(record_stack("dev", World(api_servers=["157.173.210.123:6443"])))
    after = _rules(
        record_stack("dev", World(api_servers=["157.173.210.123:6443", "198.51.100.9:7443"]))
    )
    assert before.keys() == after.keys()
    changed = {key for key in before if before[key] != after[key]}
    assert {key.partition(" ")[0] for key in changed} == {
        "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    }
    # In place: by the same name, to the same pods.
    for key in changed:
        assert before[key]["metadata"] == after[key]["metadata"]
        assert before[key]["spec"]["podSelector"] == after[key]["spec"]["podSelector"]


def test_the_cluster_is_asked_once(recording: Recording) -> None:
    asked = [
        each.args["command"]
        for each in recording.invokes
        if each.token == "command:local:run"
        and " -m operations.preflight --json " in each.args["command"]
    ]
    assert len(asked) == 1
