"""What runs in the cluster already, and could cut nodes off or starve."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.errors import RequestError
from operations.preflight.checks import (
    admission_conflicts,
    foreign_tailscale,
    host_network,
    pods_not_created,
)
from operations.preflight.finding import PreflightFinding, Verdict
from operations.preflight.view import Kind, View
from operations.preflight.workload import OTHER_NAMESPACE, lacks_pods
from policies import refused as policies_refused
from policies.errors import PoliciesError
from policies.exceptions import Exceptions
from policies.rules import all_rules
from tests.kubernetes_api import asking, refusal
from tests.unit.seen_cluster import node, prod, view, workload

_DAEMON = {"desiredNumberScheduled": 40, "numberReady": 38}
_FORBIDDEN = 'pods "web" is forbidden: violates PodSecurity'
_TAILSCALE = "docker.io/tailscale/tailscale:latest"


def test_a_daemon_set_in_the_host_network_is_listed_with_the_nodes_it_could_cut_off() -> None:
    agent = workload("agent", namespace="monitoring", status=_DAEMON, hostNetwork=True)
    proxy = workload("proxy", namespace="kube-system", status=_DAEMON, hostNetwork=True)
    plain = workload("plain", status=_DAEMON)
    (result,) = host_network.check(view(daemon_sets=[agent, proxy, plain]))
    assert (result.verdict, result.where) == (Verdict.WARN, "DaemonSet monitoring/agent")
    assert "40 nodes (38 ready)" in result.what


def _foreign(**objects: Any) -> list[PreflightFinding]:
    devices = objects.pop("devices", [])
    *findings, hidden = foreign_tailscale.check(prod(), view(**objects), devices)
    assert hidden.verdict is Verdict.NOTE
    assert "/var/lib/tailscale" in hidden.what
    return findings


def test_a_cluster_without_another_tailscale_is_fine_and_says_what_it_cannot_see() -> None:
    (result,) = _foreign(nodes=[node("calypso", address="192.168.2.80")])
    assert result.verdict is Verdict.OK


def test_the_daemon_set_of_the_outage_is_a_failure_and_not_to_be_deleted_at_once() -> None:
    worker = workload("worker", namespace="net", image=_TAILSCALE, hostNetwork=True)
    (result,) = _foreign(daemon_sets=[worker])
    assert (result.verdict, result.where) == (Verdict.FAIL, "DaemonSet net/worker")
    assert "--cascade=orphan" in result.remedy
    assert "one node at a time" in result.remedy


def test_another_tailscale_in_the_pod_network_is_a_warning() -> None:
    (result,) = _foreign(deployments=[workload("tailscale-proxy")])
    assert (result.verdict, result.where) == (Verdict.WARN, "Deployment apps/tailscale-proxy")


def test_what_this_stack_made_itself_is_no_leftover() -> None:
    labels = {"app.kubernetes.io/part-of": "oceanid"}
    own = workload("oceanid-gateway", image=_TAILSCALE, labels=labels)
    secret = {"metadata": {"namespace": "x", "name": "tailscale-state", "labels": labels}}
    device = {"hostname": "calypso-oceanid", "tags": ["tag:oceanid-gateway"]}
    (result,) = _foreign(daemon_sets=[own], secrets=[secret], devices=[device])
    assert result.verdict is Verdict.OK


@pytest.mark.parametrize(
    "reached",
    [
        {"address": "100.81.237.43"},
        {"annotations": {"flannel.alpha.coreos.com/public-ip": "100.81.237.43"}},
        {"address": "fd7a:115c:a1e0::7"},
    ],
)
def test_a_node_reached_by_a_tailnet_address_is_a_failure(reached: dict[str, Any]) -> None:
    (result,) = _foreign(nodes=[node("srv712695", **reached)])
    assert (result.verdict, result.where) == (Verdict.FAIL, "node srv712695")


def test_a_secret_that_looks_like_a_state_is_a_warning_and_its_values_are_never_asked_for() -> None:
    secret = {"metadata": {"namespace": "net", "name": "tailscale-auth", "labels": {}}}
    (result,) = _foreign(secrets=[secret])
    assert (result.verdict, result.where) == (Verdict.WARN, "Secret net/tailscale-auth")


def test_a_device_under_a_nodes_name_that_is_not_this_stacks_is_a_warning() -> None:
    device = {"hostname": "srv712695-oceanid", "tags": ["tag:k8s"], "connectedToControl": True}
    (result,) = _foreign(devices=[device])
    assert (result.verdict, result.where) == (Verdict.WARN, "device srv712695-oceanid")
    assert result.what.startswith("online in the tailnet")


def test_a_nodes_own_tailscaled_is_not_to_be_stopped_over_the_tailnet() -> None:
    (result,) = _foreign(devices=[{"hostname": "calypso", "connectedToControl": True}])
    assert "console" in result.remedy
    assert "not over the tailnet" in result.remedy


def test_secrets_that_may_not_be_listed_are_a_note() -> None:
    answers = {**view().objects, Kind.SECRETS: RequestError("forbidden")}
    note, *_ = foreign_tailscale.check(prod(), View(objects=answers), [])
    assert (note.verdict, note.what) == (Verdict.NOTE, "secrets cannot be listed: forbidden")


@pytest.mark.parametrize(
    ("kind", "spec", "status", "lacking"),
    [
        (Kind.DEPLOYMENTS, {"replicas": 2}, {"updatedReplicas": 1}, True),
        (Kind.DEPLOYMENTS, {}, {}, True),
        (Kind.DEPLOYMENTS, {"replicas": 2}, {"updatedReplicas": 2, "readyReplicas": 0}, False),
        # The pods of the template before live on while those of the new one are refused.
        (Kind.DEPLOYMENTS, {"replicas": 1}, {"replicas": 1, "readyReplicas": 1}, True),
        (Kind.DEPLOYMENTS, {"replicas": 0}, {}, False),
        (Kind.STATEFUL_SETS, {"replicas": 1}, {"replicas": 0}, True),
        (Kind.DAEMON_SETS, {}, {"desiredNumberScheduled": 3, "updatedNumberScheduled": 2}, True),
        (Kind.DAEMON_SETS, {}, {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3}, False),
        (Kind.CRON_JOBS, {}, {}, False),
        (Kind.JOBS, {}, {}, True),
        (Kind.JOBS, {"suspend": True}, {}, False),
        (Kind.JOBS, {}, {"succeeded": 1}, False),
    ],
)
def test_fewer_pods_than_wanted_is_told_from_pods_that_are_not_ready(
    kind: Kind, spec: dict[str, Any], status: dict[str, int], *, lacking: bool
) -> None:
    assert lacks_pods(kind, {"spec": spec, "status": status}) is lacking


def _refused(*workloads: dict[str, Any], **objects: Any) -> list[PreflightFinding]:
    return list(admission_conflicts.check(view(daemon_sets=list(workloads), **objects)))


def test_a_workload_whose_next_pods_the_policies_refuse_is_named_with_the_rule() -> None:
    volumes = [{"name": "root", "hostPath": {"path": "/"}}]
    agent = workload("agent", namespace="monitoring", volumes=volumes, hostNetwork=True)
    job = workload("copy", volumes=volumes)
    job["spec"] = {"jobTemplate": {"spec": job["spec"]}}
    found = _refused(agent, cron_jobs=[job])
    (of_path,) = [each for each in found if each.what.endswith(" host-path")]
    assert of_path.verdict is Verdict.WARN
    assert of_path.where == "CronJob apps/copy, DaemonSet monitoring/agent"
    assert of_path.what == "its next pods will be refused by host-path"
    assert "policies/exceptions.yaml" in of_path.remedy


def test_what_only_a_change_of_a_workload_meets_is_told_from_what_its_pods_meet() -> None:
    (result,) = _refused(workload("everywhere"))
    assert result.where == "DaemonSet apps/everywhere"
    assert result.what == "its next change, though not its pods, will be refused by daemonset-reach"


def test_a_running_workload_that_its_namespaces_level_would_starve_is_named() -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"metadata": {"name": "apps", "labels": labels}}
    web = workload("web", status={"updatedReplicas": 1})
    found = _refused(namespaces=[namespace], deployments=[web])
    (conflict,) = [each for each in found if each.what.endswith("pod-security-label")]
    assert conflict.where == "Deployment apps/web"
    assert not [each for each in _refused(deployments=[web]) if "pod-security" in each.what]


def test_no_namespace_is_to_be_opened_for_one_workload(tmp_path: Path) -> None:
    # A lower level lets everybody's pods in, as it did in October 2025.
    (finding,) = _without_pods(tmp_path, _FORBIDDEN)
    assert finding.remedy == OTHER_NAMESPACE
    assert "a namespace of their own" in OTHER_NAMESPACE


def test_the_clusters_own_workloads_and_jobs_that_have_ended_are_not_judged() -> None:
    proxy = workload("proxy", namespace="kube-system", hostNetwork=True)
    ended = workload("ended", hostNetwork=True)
    ended["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    (result,) = _refused(proxy, jobs=[ended])
    assert result.verdict is Verdict.OK


def _without_pods(
    folder: Path, said: str, count: int = 1, status: int = 403
) -> list[PreflightFinding]:
    """The check with an API server that refuses every pod in these words."""
    lacking = [workload(f"web-{number}") for number in range(count)]
    seen = view(deployments=lacking)
    with asking(folder, lambda _: refusal(status, said)) as (client, server):
        results = list(pods_not_created.check(seen, client))
    assert {each.query.get("dryRun") for each in server.requests} == {"All"}
    return results


def test_an_error_that_is_not_about_the_pod_starves_nobody_and_is_told(tmp_path: Path) -> None:
    (result,) = _without_pods(tmp_path, "Internal error occurred: webhook is away", status=500)
    assert result.verdict is Verdict.NOTE
    assert result.what.startswith("has no pods, and why is unknown: ")
    assert "webhook is away" in result.what


def test_without_the_right_to_make_pods_the_reason_is_a_note(tmp_path: Path) -> None:
    said = 'pods is forbidden: User "ci" cannot create resource "pods"'
    (result,) = _without_pods(tmp_path, said)
    assert (result.verdict, result.where) == (Verdict.NOTE, "Deployment apps/web-0")


def test_a_cluster_full_of_starving_workloads_is_asked_a_bounded_number_of_times(
    tmp_path: Path,
) -> None:
    results = _without_pods(tmp_path, _FORBIDDEN, count=50)
    assert len(results) == 21
    assert results[-1].what == "30 more have fewer pods than wanted and were not tried"


@given(
    volumes=st.lists(st.text("abc", min_size=1), max_size=3, unique=True),
    claims=st.lists(st.text("def", min_size=1), max_size=3, unique=True),
)
def test_a_pod_has_every_volume_of_its_template_and_of_its_claims(
    volumes: list[str], claims: list[str]
) -> None:
    owner = workload("db", volumes=[{"name": name, "emptyDir": {}} for name in volumes])
    owner["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": name}} for name in claims]
    made = pods_not_created.pod(owner)
    assert [each["name"] for each in made["spec"]["volumes"]] == [*volumes, *claims]
    assert made["metadata"]["labels"] == {"app": "db"}


def test_a_tailnet_that_was_not_asked_is_not_called_clean() -> None:
    found = list(foreign_tailscale.check(prod(), view(), None))
    assert not [each for each in found if each.verdict is Verdict.OK]
    (tailnet,) = [each for each in found if each.where == "tailnet"]
    assert tailnet.verdict is Verdict.WARN


def test_a_rule_that_fails_leaves_the_workloads_unjudged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def check(_subject: object) -> list[object]:
        raise RuntimeError

    rule = replace(all_rules()[0], name="broken", check=check)  # type: ignore[arg-type]
    monkeypatch.setattr(policies_refused, "all_rules", lambda: (rule,))
    said = "apps/web: broken: the whole document: the rule itself failed"
    with pytest.raises(PoliciesError, match=said):
        list(policies_refused.refusals([workload("web")], Exceptions()))
