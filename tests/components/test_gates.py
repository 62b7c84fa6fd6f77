"""The gates: one measurement for every node, on that very node, and nothing else counts."""

import re
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.egress.gate import job_name
from components.egress.gate_message import passed
from components.egress.gateway_nodes import faults
from settings.rendered import LONGEST_WAVE
from workshop.testing.recording import Recording, World, configured, record_stack

_JOB = "kubernetes:batch/v1:Job"
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _jobs(recording: Recording) -> dict[str, dict[str, Any]]:
    """Every gate's Job by wave and node."""
    return {
        f"{job['metadata']['labels']['oceanid.io/wave']}/{_node(job)}": job
        for job in recording.of_type(_JOB)
        if "oceanid.io/node" in job["metadata"].get("annotations", {})
    }


def _node(job: dict[str, Any]) -> str:
    return str(job["metadata"]["annotations"]["oceanid.io/node"])


def _pod(job: dict[str, Any]) -> dict[str, Any]:
    return dict(job["spec"]["template"]["spec"])


def test_every_node_of_every_wave_has_a_job_of_its_own(recording: Recording) -> None:
    assert set(_jobs(recording)) == {"canary/styx", "fleet/tethys", "fleet/calypso"}
    for job in _jobs(recording).values():
        assert (job["spec"]["completions"], job["spec"]["parallelism"]) == (1, 1)


def test_a_check_can_run_on_no_node_but_its_own(recording: Recording) -> None:
    for job in _jobs(recording).values():
        affinity = _pod(job)["affinity"]
        assert set(affinity) == {"nodeAffinity"}
        required = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        # By the name: two nodes may carry one hostname label.
        assert required["nodeSelectorTerms"] == [
            {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [_node(job)]}]}
        ]


def test_a_check_is_told_the_node_it_is_for_and_the_one_it_runs_on(recording: Recording) -> None:
    for job in _jobs(recording).values():
        (container,) = _pod(job)["containers"]
        assert container["command"][-1] == _node(job)
        (told,) = [each for each in container["env"] if each["name"] == "NODE_NAME"]
        assert told["valueFrom"]["fieldRef"]["fieldPath"] == "spec.nodeName"


def _with_one_node(world: World) -> Recording:
    """The stack of a fleet whose only node is the canary: the last wave has none."""
    egress = configured("egress")
    egress["waves"] = [{"name": "canary", "nodes": ["tethys"]}, {"name": "fleet"}]
    nodes = [{"name": "tethys", "address": "157.173.210.123"}]
    exit_nodes = configured("exitNodes")[:1]
    return record_stack("dev", world, nodes=nodes, egress=egress, exitNodes=exit_nodes)


def test_a_last_wave_that_names_no_node_has_a_gate_all_the_same() -> None:
    recording = _with_one_node(World())
    assert set(_jobs(recording)) == {"canary/tethys"}
    assert recording.named("gate-fleet-program")


def test_a_gateway_that_a_last_wave_without_nodes_has_caught_fails_its_gate() -> None:
    gateways = [{"node": "tethys", "wave": "canary"}, {"node": "naiad", "wave": "fleet"}]
    with pytest.raises(pulumi.RunError, match=r"^gate fleet: node naiad .* was not measured: "):
        _with_one_node(World(gateways=gateways))


def test_a_node_that_joins_during_the_update_fails_the_gate_and_retires_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registered: list[str] = []
    register = Recording.new_resource

    def noted(recording: Recording, args: pulumi.runtime.MockResourceArgs) -> Any:
        registered.append(args.name)
        return register(recording, args)

    monkeypatch.setattr(Recording, "new_resource", noted)
    gateways = [
        {"node": "styx", "wave": "canary"},
        *({"node": node, "wave": "fleet"} for node in ("tethys", "calypso", "naiad")),
    ]
    world = World(gateways=gateways)
    with pytest.raises(pulumi.RunError, match=r"^gate fleet: node naiad .* was not measured: "):
        record_stack("dev", world)
    assert "gate-canary/styx" in registered
    assert not [name for name in registered if name.startswith(("gate-fleet/", "firewall-retired"))]


def test_a_node_that_has_fallen_silent_fails_its_gate_with_its_name_and_why() -> None:
    silent = World(unfit={"calypso": "NotReady since noon: Kubelet stopped posting node status."})
    with pytest.raises(
        pulumi.RunError, match=r"^gate \w+: node calypso cannot be .*: NotReady since"
    ):
        record_stack("dev", silent)


def test_a_rollback_measures_the_nodes_that_live_and_names_the_others(
    monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    monkeypatch.setenv("OCEANID_ROLLBACK", "1")
    dead = {"calypso": "NotReady since noon: Kubelet stopped posting node status."}
    gateways = [
        {"node": "styx", "wave": "canary"},
        *({"node": node, "wave": "fleet"} for node in ("tethys", "calypso")),
    ]
    jobs = _jobs(record_stack("dev", World(unfit=dead, gateways=gateways)))
    assert sorted(jobs) == ["canary/styx", "fleet/tethys"]
    assert any("calypso is not measured in this rollback: NotReady" in line for line in warnings)


def test_gateways_that_cannot_be_seen_fail_the_gate_of_a_stack_that_stops(
    warnings: list[str],
) -> None:
    blind = World(gateways=None)
    with pytest.raises(pulumi.RunError, match=r"^gate canary: .*pods cannot be seen: forbidden"):
        record_stack("prod", blind)
    assert _jobs(record_stack("dev", blind))
    assert {line.partition(":")[0] for line in warnings} == {"gate canary", "gate fleet"}


def test_nodes_that_cannot_be_seen_stop_a_stack_that_stops_before_any_resource(
    warnings: list[str],
) -> None:
    with pytest.raises(pulumi.RunError, match=r"cannot be seen: .*\nnothing has been changed$"):
        record_stack("prod", World(unnamed=None))
    assert _jobs(record_stack("dev", World(unnamed=None)))
    assert len(warnings) == 1
    assert "the nodes of the settings only" in warnings[0]


def test_a_gateway_of_another_wave_proves_nothing_for_this_one() -> None:
    (line,) = faults([{"node": "styx", "wave": "fleet"}], {}, "canary", ["styx"])
    assert line.startswith("gate canary: node styx has no gateway of this wave, but of fleet: ")


def test_the_stacks_output_has_what_each_node_has_said_and_a_simulated_gate_is_marked() -> None:
    said = {"styx": "simulated: node styx: all checks passed", "tethys": "unavailable: forbidden"}
    recording = record_stack("dev", World(findings=said))
    gates = recording.outputs["gates"]
    assert gates["canary"] == {"styx": said["styx"]}
    assert gates["fleet"]["tethys"] == said["tethys"]
    assert gates["fleet"]["calypso"].startswith(passed("calypso"))
    # Of this update: the pods are found by the Jobs that it has made.
    asked = [call.args["command"] for call in recording.invokes if "command" in call.args]
    (canary,) = [
        line for line in asked if " operations.report.findings " in line and "styx" in line
    ]
    assert canary.endswith(" --namespace oceanid-egress styx=uid-of-gate-canary/styx")


def test_a_preview_knows_no_finding_so_that_a_saved_plan_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The engine holds an update to the outputs of its plan too.
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    recording = record_stack("dev")
    assert not [
        call for call in recording.invokes if "report.findings" in str(call.args.get("command"))
    ]


_NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", fullmatch=True)


@given(wave=st.from_regex(_LABEL, fullmatch=True), node=_NAMES)
def test_a_jobs_name_is_a_dns_label_for_any_node_and_any_wave_that_the_settings_take(
    wave: str, node: str
) -> None:
    assert _LABEL.fullmatch(job_name(wave[:LONGEST_WAVE].strip("-"), node, "what"))


def test_names_that_are_cut_short_or_alike_give_jobs_of_their_own() -> None:
    pairs = [
        ("a" * LONGEST_WAVE, "n" * 60 + "1"),
        ("a" * LONGEST_WAVE, "n" * 60 + "2"),
        ("a-b", "c"),
        ("a", "b-c"),
        ("a", "b.c"),
    ]
    assert len({job_name(wave, node, "what") for wave, node in pairs}) == len(pairs)
    assert job_name("a", "b", "one") != job_name("a", "b", "other")
