"""What the report says, from documents as the engine and the API server give them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.secrets.synced import namespace_of
from operations.errors import RequestError
from operations.report import firewall, gate, moment, policy, secret_age, topology
from operations.report.state import State
from operations.report.status import Status
from settings import Settings, read_file
from tests.report.sample import NOW, exemption, job, measured, page, pod, state
from tests.unit.seen_cluster import prod
from workshop.testing.checkout import REPOSITORY


def test_a_gate_shows_its_newest_job_and_the_messages_of_its_pods() -> None:
    canary, fleet = gate.gates(prod(), measured())
    assert (canary.status, canary.verdict) == (Status.BAD, "failed on srv712695")
    (measurement,) = canary.measurements
    assert measurement.node == "srv712695"
    assert "saw 191.101.1.3" in measurement.message
    assert canary.gateways == "1 of 1 ready"
    assert (fleet.status, fleet.gateways) == (Status.UNKNOWN, "unknown")


def test_a_gate_that_passed_says_on_how_many_nodes_and_when() -> None:
    seen = gate.GateObjects(
        jobs=[job("canary", "a")], pods=[pod("a", "srv712695", "all 8 checks passed")]
    )
    canary, _ = gate.gates(prod(), seen)
    assert (canary.status, canary.verdict) == (Status.GOOD, "passed on 1 node")
    assert canary.finished == datetime(2026, 11, 21, 6, 1, tzinfo=UTC)


def test_a_simulated_gate_says_that_nothing_was_measured() -> None:
    message = "simulated: node styx: all checks passed"
    seen = gate.GateObjects(jobs=[job("canary", "a")], pods=[pod("a", "srv712695", message)])
    canary, _ = gate.gates(prod(), seen)
    assert canary.verdict == "passed on 1 node, simulated: nothing was measured"


def test_a_gate_has_not_passed_while_one_of_its_nodes_was_not_measured() -> None:
    jobs = [job("fleet", "a", node="srv712429"), job("fleet", "b", node="naiad")]
    _, fleet = gate.gates(prod(), gate.GateObjects(jobs=jobs))
    assert (fleet.status, fleet.verdict) == (Status.UNKNOWN, "has not measured calypso")
    jobs.append(job("fleet", "c", node="calypso"))
    _, fleet = gate.gates(prod(), gate.GateObjects(jobs=jobs))
    # Three nodes: the last wave catches one that the settings do not name.
    assert (fleet.status, fleet.verdict) == (Status.GOOD, "passed on 3 nodes")


def test_a_node_whose_check_never_ran_is_named_with_what_became_of_its_job() -> None:
    late = job("canary", "a", "Failed")
    late["status"]["conditions"][0]["reason"] = "DeadlineExceeded"
    canary, _ = gate.gates(prod(), gate.GateObjects(jobs=[late]))
    (measurement,) = canary.measurements
    assert (measurement.node, measurement.status) == ("srv712695", Status.BAD)
    assert measurement.message == "no message: DeadlineExceeded"


def test_a_gate_that_still_measures_is_running() -> None:
    unfinished = job("canary", "a")
    unfinished["status"] = {"active": 1}
    canary, _ = gate.gates(prod(), gate.GateObjects(jobs=[unfinished]))
    assert canary.status is Status.RUNNING


def test_of_a_cluster_that_does_not_answer_no_verdict_is_made_up() -> None:
    for each in gate.gates(prod(), RequestError("connection refused")):
        assert each.status is Status.UNKNOWN
        assert each.verdict == "connection refused"
        assert each.measurements == ()


def test_the_firewall_is_held_against_the_exit_nodes_addresses() -> None:
    def standing(deployed: State) -> dict[str, Status]:
        return {each.cidr: each.status for each in firewall.admissions(prod(), deployed)}

    good = standing(state("157.173.210.123/32"))
    assert good["157.173.210.123/32"] is Status.GOOD
    assert standing(state())["157.173.210.123/32"] is Status.BAD
    assert standing(state("203.0.113.9/32"))["203.0.113.9/32"] is Status.WARN
    # To be retired, and the state has not got that far.
    assert good["191.101.1.3/32"] is Status.WARN


def test_an_exception_is_a_matter_to_attend_to_before_it_ends_and_bad_after() -> None:
    assert [exemption(days).status for days in (15, 14, 0, -1)] == [
        Status.GOOD,
        Status.WARN,
        Status.WARN,
        Status.BAD,
    ]


def test_exceptions_are_read_from_their_file_those_that_end_first_at_the_top(
    tmp_path: Path,
) -> None:
    file = tmp_path / "exceptions.yaml"
    entry = (
        "- {{rule: host-path, resource: Pod a/{0}, reason: why, expires: {0}, enforcers: [scan]}}\n"
    )
    file.write_text(entry.format("2026-12-01") + entry.format("2026-11-25"))
    found = policy.exemptions(date(2026, 11, 21), file)
    assert [each.days_left for each in found] == [4, 10]


def test_the_rules_judge_what_the_stack_has_applied() -> None:
    pods = {"containers": [{"name": "a", "image": "x:1.0.0"}], "hostNetwork": True}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "worker", "namespace": "net"},
        "spec": {"template": {"spec": pods}},
    }
    found = [each for each in policy.findings([manifest]) if each.blocks]
    assert "daemonset-host-namespaces" in {each.rule for each in found}
    assert {each.resource for each in found} == {"DaemonSet net/worker"}


def _synced(**status: object) -> secret_age.SecretAge:
    settings = _syncing()
    assert settings.external_secrets is not None
    each = settings.external_secrets.secrets[0]
    namespace = namespace_of(each, settings.external_secrets.stores)
    document = {"metadata": {"namespace": namespace, "name": each.name}, "status": status}
    return secret_age.ages(settings, state(), [document])[0]


def _syncing() -> Settings:
    return read_file(REPOSITORY / "Pulumi.dev.yaml")


def test_a_synced_secret_has_the_age_of_its_last_reading() -> None:
    ready = [{"type": "Ready", "status": "True", "reason": "SecretSynced"}]
    secret = _synced(refreshTime="2026-11-21T06:45:00Z", conditions=ready)
    assert secret.status is Status.GOOD
    assert secret.since is not None
    assert moment.age(secret.since, NOW) == "15 minutes"


def test_a_secret_that_is_not_synced_gives_the_reason_and_never_the_stores_answer() -> None:
    message = "error: token " + "pul-" + "abcdef"
    failed = [
        {"type": "Ready", "status": "False", "reason": "SecretSyncedError", "message": message}
    ]
    secret = _synced(conditions=failed)
    assert (secret.status, secret.what) == (Status.BAD, "not synced: SecretSyncedError")


def test_synced_secrets_of_a_cluster_that_does_not_answer_are_unknown() -> None:
    first = secret_age.ages(_syncing(), state(), RequestError("connection refused"))[0]
    assert (first.status, first.since) == (Status.UNKNOWN, None)


def test_credentials_the_stack_made_have_the_age_of_their_making() -> None:
    made = secret_age.ages(prod(), state(), RequestError("away"))[-1]
    assert made.name == "oceanid prod exit nodes"
    assert made.since is not None
    assert moment.age(made.since, NOW) == "23 hours"


def test_what_a_secret_holds_is_left_out_of_what_is_judged() -> None:
    inputs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": "v"}}
    urn = "urn:pulumi:prod::oceanid-cluster::kubernetes:core/v1:Secret::a"
    entry = {"type": "kubernetes:core/v1:Secret", "urn": urn, "outputs": {"__inputs": inputs}}
    (manifest,) = State.of({"resources": [entry]}).manifests()
    assert "data" not in manifest
    assert manifest["metadata"] == {"name": "a"}


def test_a_stack_that_was_never_deployed_has_no_time_of_an_update() -> None:
    assert State.of({"manifest": {"time": "2026-11-21T06:00:00Z"}}).written is None
    assert State.of({}).resources == ()


@given(st.integers(min_value=0, max_value=10**9))
def test_an_age_is_its_largest_whole_unit(seconds: int) -> None:
    count, unit = moment.age(NOW - timedelta(seconds=seconds), NOW).split()
    size = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}[unit.removesuffix("s")]
    assert int(count) * size <= seconds < (int(count) + 1) * size


@pytest.mark.parametrize("text", [None, "", "yesterday"])
def test_what_is_no_time_is_none(text: str | None) -> None:
    assert moment.parsed(text) is None


@given(st.integers(min_value=1, max_value=300))
def test_the_picture_grows_with_waves_and_not_with_nodes(count: int) -> None:
    settings = prod()
    more = tuple(
        settings.nodes[0].model_copy(update={"name": f"node-{number}", "kubernetes_name": None})
        for number in range(count)
    )
    larger = settings.model_copy(update={"nodes": (*settings.nodes, *more)})
    gates = gate.gates(larger, gate.GateObjects())
    picture = topology.topology(larger, state(), gates)
    assert len(picture.boxes) == 5
    assert all(len(line) <= 42 for box in picture.boxes for line in box.lines)
    bottoms = [box.y + box.height for box in picture.boxes]
    assert all(box.y >= bottom for box, bottom in zip(picture.boxes[1:], bottoms[:-1], strict=True))
    assert picture.height > bottoms[-1]


def test_the_summary_shows_the_worst_of_each_part() -> None:
    standings = {each.title: each.status for each in page(measured()).summaries()}
    assert standings == {
        "Gates": Status.BAD,
        "Firewall": Status.WARN,
        "Policies": Status.BAD,
        "Exceptions": Status.BAD,
        "Secrets": Status.UNKNOWN if prod().external_secrets else Status.GOOD,
    }
