"""A node that is missing or silent is found before an update touches the fleet."""

from typing import Any

import pytest

from operations.preflight import gateways
from operations.preflight.checks import gates, kubelet_leases, nodes
from operations.preflight.finding import PreflightFinding, Verdict
from tests.unit.seen_cluster import (
    CALYPSO,
    STYX,
    TETHYS,
    fleet,
    fleet_node,
    no_pods,
    node,
    prod,
    view,
)


def _found(*changed: dict[str, Any]) -> list[PreflightFinding]:
    results = nodes.check(prod(), view(nodes=fleet(*changed)), no_pods)
    return [each for each in results if each.verdict is not Verdict.OK]


_AT = "191.101.1.3"
_SILENT = "Kubelet stopped posting node status."


def test_a_silent_node_is_named_with_the_time_it_fell_silent() -> None:
    silent = node(
        STYX,
        address=_AT,
        labels={"oceanid.node/name": "styx"},
        status="Unknown",
        lastTransitionTime="2025-10-10T23:45:03Z",
        message=_SILENT,
    )
    (result,) = _found(silent)
    assert result.what == f"NotReady since 2025-10-10T23:45:03Z: {_SILENT}"


def test_a_node_no_wave_would_choose_is_a_failure_and_is_not_to_be_relabelled() -> None:
    unlabelled = fleet_node(STYX)
    unlabelled["metadata"]["labels"]["kubernetes.io/hostname"] = "styx"
    (result,) = _found(unlabelled)
    assert result.verdict is Verdict.FAIL
    # The kubelet undoes it, and pods with local-path volumes of the other value could not start.
    assert "kubectl label" not in result.remedy
    assert result.remedy.startswith("do not relabel it")


_OWN = {"oceanid.node/name": "styx"}


@pytest.mark.parametrize(
    ("changed", "verdict", "where", "what"),
    [
        (node(STYX), Verdict.FAIL, f"node {STYX}", ["it has never reported that it is Ready"]),
        # The update will set its label.
        (node(STYX, address=_AT, status="True"), Verdict.NOTE, f"node {STYX}", [*_OWN]),
        (
            node(STYX, address="191.101.1.4", labels=_OWN, status="True"),
            Verdict.WARN,
            f"node {STYX}",
            [_AT, "191.101.1.4"],
        ),
        # The settings do not name it.
        (node("naiad", status="True"), Verdict.NOTE, "naiad", []),
        (node("naiad", status="Unknown", message=_SILENT), Verdict.FAIL, "node naiad", [_SILENT]),
        # Two nodes carry one label.
        (
            node("naiad", labels={"kubernetes.io/hostname": STYX}, status="True"),
            Verdict.FAIL,
            f"nodes naiad, {STYX}",
            [],
        ),
    ],
    ids=["never-ready", "no-label", "moved", "unnamed", "silent-and-unnamed", "label-twice"],
)
def test_a_node_that_is_not_as_the_settings_say_is_named(
    changed: dict[str, Any], verdict: Verdict, where: str, what: list[str]
) -> None:
    (result,) = [each for each in _found(changed) if each.verdict is verdict]
    assert result.where == where
    assert all(each in result.what for each in what)


def _lease(name: str, time: str, namespace: str = "kube-node-lease") -> dict[str, Any]:
    labels = {}
    if namespace == "kube-system":
        labels["apiserver.kubernetes.io/identity"] = "kube-apiserver"
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"renewTime": f"2025-10-10T{time}.000000Z"},
    }


def test_a_ready_node_whose_kubelet_has_fallen_silent_is_a_failure() -> None:
    leases = [_lease("apiserver-1", "23:46:05", "kube-system")]
    leases += [_lease(TETHYS, "23:46:00"), _lease(STYX, "23:45:03")]
    silent, heard = kubelet_leases.check(prod(), view(leases=leases))
    assert (silent.verdict, silent.where) == (Verdict.FAIL, f"node {STYX}")
    assert silent.what == "its kubelet was last heard of 62 s ago, at 2025-10-10 23:45:03 UTC"
    assert (heard.verdict, heard.what) == (Verdict.OK, "heard of within 5 s")


def test_a_node_whose_clock_is_ahead_makes_no_other_one_look_silent() -> None:
    leases = [_lease("apiserver-1", "23:46:05", "kube-system")]
    leases += [_lease(TETHYS, "23:56:00"), _lease(STYX, "23:46:03")]
    (heard,) = kubelet_leases.check(prod(), view(leases=leases))
    assert (heard.verdict, heard.where) == (Verdict.OK, "2 kubelets")


def test_without_the_api_servers_own_leases_the_newest_heartbeat_is_the_clock() -> None:
    leases = [_lease(TETHYS, "23:46:00"), _lease(STYX, "23:40:00")]
    silent, _ = kubelet_leases.check(prod(), view(leases=leases))
    assert silent.where == f"node {STYX}"


def _gateway(name: str, **status: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"oceanid.io/wave": "fleet"}},
        "spec": {"nodeName": name},
        "status": status,
    }


def test_the_last_wave_catches_what_has_a_gateway_or_will_get_one() -> None:
    there = [
        *fleet(),
        node("naiad", status="True"),
        fleet_node("galatea", "dedicated:NoSchedule"),
        fleet_node("nereus", "dedicated:NoSchedule"),
    ]
    ended = _gateway("galatea", phase="Failed")
    seen = view(nodes=there, gateways=[_gateway("nereus", phase="Running"), ended])
    assert gateways.unnamed(prod(), seen) == ["naiad", "nereus"]


def test_the_gateway_of_a_node_that_has_left_is_none() -> None:
    seen = view(nodes=fleet(), gateways=[_gateway(STYX, phase="Running"), _gateway("naiad")])
    assert [each["node"] for each in gateways.gateways(seen)] == [STYX]


def test_a_node_whose_kubelet_has_never_renewed_its_lease_is_a_failure() -> None:
    leases = [_lease(TETHYS, "23:46:00")]
    silent, _ = kubelet_leases.check(prod(), view(leases=leases, nodes=[node(STYX)]))
    assert (silent.verdict, silent.where) == (Verdict.FAIL, f"node {STYX}")


def test_a_node_that_no_pod_can_measure_is_told_with_its_reason() -> None:
    there = [
        *fleet(),
        fleet_node("galatea", "dedicated:NoSchedule"),
        fleet_node("nereus", "maintenance:NoExecute"),
        node("naiad", status="Unknown", message=_SILENT),
    ]
    names = [STYX, "galatea", "nereus", "naiad", "ghost"]
    assert gateways.unfit(names, view(nodes=there)) == {
        "nereus": "it has the taint maintenance:NoExecute",
        "naiad": f"NotReady since an unknown time: {_SILENT}",
        "ghost": "the cluster has no node of that name",
    }


def _late(reason: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "oceanid-check-fleet-calypso-0123456789",
            "namespace": "oceanid-egress",
            "labels": {"app.kubernetes.io/part-of": "oceanid", "oceanid.io/wave": "fleet"},
            "annotations": {"oceanid.io/node": CALYPSO},
        },
        "status": {"conditions": [{"type": "Failed", "status": "True", "reason": reason}]},
    }


def _unscheduled(pod: str, message: str, at: str) -> dict[str, Any]:
    place = {"name": pod, "namespace": "oceanid-egress"}
    return {"involvedObject": place, "message": message, "lastTimestamp": at}


def test_a_node_that_no_gate_has_measured_is_named_with_the_schedulers_reason() -> None:
    pod = "oceanid-check-fleet-calypso-0123456789-x7k2p"
    events = [
        _unscheduled(pod, "0/3 nodes are available: 1 Too many pods.", "2026-11-26T22:00:05Z"),
        _unscheduled(pod, "no nodes available", "2026-11-26T22:00:00Z"),
        _unscheduled("another-0123456789-x7k2p", "other", "2026-11-26T22:00:09Z"),
    ]
    late = view(jobs=[_late("DeadlineExceeded")], unscheduled=events)
    (result,) = gates.check(late)
    assert (result.verdict, result.where) == (Verdict.WARN, "wave fleet, node calypso")
    assert result.what.endswith("0/3 nodes are available: 1 Too many pods.")
    # What the check itself has found is in the engine's error.
    assert list(gates.check(view(jobs=[_late("BackoffLimitExceeded")]))) == []
