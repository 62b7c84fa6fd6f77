"""A node that is missing or silent is found before an update touches the fleet."""

from __future__ import annotations

from typing import Any

from operations.preflight import gateways
from operations.preflight.checks import gates, kubelet_leases, nodes
from operations.preflight.finding import PreflightFinding, Verdict
from tests.unit.seen_cluster import (
    ADDRESSES,
    CALYPSO,
    STYX,
    TETHYS,
    fleet_node,
    no_pods,
    node,
    prod,
    view,
)


def _fleet(**changed: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Three nodes that are as they should be, but for those in `changed`; None leaves one out."""
    found = {name: fleet_node(name) for name in ADDRESSES}
    return [each for each in (found | changed).values() if each is not None]


def _found(**changed: dict[str, Any] | None) -> list[PreflightFinding]:
    results = nodes.check(prod(), view(nodes=_fleet(**changed)), no_pods)
    return [each for each in results if each.verdict is not Verdict.OK]


def test_a_fleet_that_is_as_it_should_be_gives_one_good_result() -> None:
    (result,) = nodes.check(prod(), view(nodes=_fleet()), no_pods)
    assert (result.verdict, result.where) == (Verdict.OK, "3 nodes")


def test_a_node_the_cluster_lacks_is_a_failure_by_its_name_in_the_cluster() -> None:
    (result,) = _found(srv712695=None)
    assert result.verdict is Verdict.FAIL
    assert (result.where, result.what) == (f"node {STYX}", "the cluster has no node of that name")


def test_a_silent_node_is_named_with_the_time_it_fell_silent() -> None:
    silent = node(
        STYX,
        address=ADDRESSES[STYX],
        labels={"oceanid.node/name": "styx"},
        status="Unknown",
        lastTransitionTime="2025-10-10T23:45:03Z",
        message="Kubelet stopped posting node status.",
    )
    (result,) = _found(srv712695=silent)
    assert result.what == (
        "NotReady since 2025-10-10T23:45:03Z: Kubelet stopped posting node status."
    )


def test_a_node_that_has_never_reported_is_a_failure() -> None:
    (result,) = _found(srv712695=node(STYX))
    assert result.what == "it has never reported that it is Ready"


def test_a_node_no_wave_would_choose_is_a_failure_and_is_not_to_be_relabelled() -> None:
    unlabelled = _fleet()[1]
    unlabelled["metadata"]["labels"]["kubernetes.io/hostname"] = "styx"
    (result,) = _found(srv712695=unlabelled)
    assert result.verdict is Verdict.FAIL
    # The kubelet undoes it, and pods with local-path volumes of the other value could not start.
    assert "kubectl label" not in result.remedy
    assert result.remedy.startswith("do not relabel it")


def test_a_label_that_the_update_will_set_is_a_note() -> None:
    (result,) = _found(
        srv712695=node(STYX, address=ADDRESSES[STYX], status="True"),
    )
    assert result.verdict is Verdict.NOTE
    assert "oceanid.node/name" in result.what


def test_an_address_that_is_not_the_clusters_is_a_warning() -> None:
    moved = node(STYX, address="191.101.1.4", labels={"oceanid.node/name": "styx"}, status="True")
    (result,) = _found(srv712695=moved)
    assert result.verdict is Verdict.WARN
    assert "191.101.1.3" in result.what
    assert "191.101.1.4" in result.what


def test_a_node_the_settings_do_not_name_is_a_note() -> None:
    (result,) = _found(naiad=node("naiad", status="True"))
    assert (result.verdict, result.where) == (Verdict.NOTE, "naiad")


def _lease(name: str, time: str, namespace: str = "kube-node-lease") -> dict[str, Any]:
    labels = {}
    if namespace == "kube-system":
        labels["apiserver.kubernetes.io/identity"] = "kube-apiserver"
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"renewTime": time},
    }


def test_a_ready_node_whose_kubelet_has_fallen_silent_is_a_failure() -> None:
    leases = [
        _lease("apiserver-1", "2025-10-10T23:46:05.000000Z", "kube-system"),
        _lease(TETHYS, "2025-10-10T23:46:00.000000Z"),
        _lease(STYX, "2025-10-10T23:45:03.000000Z"),
    ]
    silent, heard = kubelet_leases.check(prod(), view(leases=leases))
    assert (silent.verdict, silent.where) == (Verdict.FAIL, f"node {STYX}")
    assert silent.what == "its kubelet was last heard of 62 s ago, at 2025-10-10 23:45:03 UTC"
    assert (heard.verdict, heard.what) == (Verdict.OK, "heard of within 5 s")


def test_a_node_whose_clock_is_ahead_makes_no_other_one_look_silent() -> None:
    leases = [
        _lease("apiserver-1", "2025-10-10T23:46:05.000000Z", "kube-system"),
        _lease(TETHYS, "2025-10-10T23:56:00.000000Z"),
        _lease(STYX, "2025-10-10T23:46:03.000000Z"),
    ]
    (heard,) = kubelet_leases.check(prod(), view(leases=leases))
    assert (heard.verdict, heard.where) == (Verdict.OK, "2 kubelets")


def test_without_the_api_servers_own_leases_the_newest_heartbeat_is_the_clock() -> None:
    leases = [
        _lease(TETHYS, "2025-10-10T23:46:00.000000Z"),
        _lease(STYX, "2025-10-10T23:40:00.000000Z"),
    ]
    silent, _ = kubelet_leases.check(prod(), view(leases=leases))
    assert silent.where == f"node {STYX}"


def test_a_taint_that_keeps_a_nodes_gateway_away_is_a_failure() -> None:
    (result,) = _found(srv712695=fleet_node(STYX, "dedicated:NoSchedule"))
    assert (result.verdict, result.where) == (Verdict.FAIL, f"node {STYX}")
    assert result.what.startswith("its taint dedicated:NoSchedule keeps gateways away")


def test_a_cordoned_node_keeps_its_gateway_and_is_no_failure() -> None:
    cordoned = fleet_node(STYX, "node.kubernetes.io/unschedulable:NoSchedule")
    assert _found(srv712695=cordoned) == []


def test_two_nodes_that_carry_one_label_are_a_failure() -> None:
    naiad = node("naiad", labels={"kubernetes.io/hostname": STYX}, status="True")
    (result,) = [each for each in _found(naiad=naiad) if each.verdict is Verdict.FAIL]
    assert result.where == f"nodes naiad, {STYX}"


def _gateway(name: str, **status: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"oceanid.io/wave": "fleet"}},
        "spec": {"nodeName": name},
        "status": status,
    }


def test_the_last_wave_catches_what_has_a_gateway_or_will_get_one() -> None:
    fleet = [
        *_fleet(),
        node("naiad", status="True"),
        fleet_node("galatea", "dedicated:NoSchedule"),
        fleet_node("nereus", "dedicated:NoSchedule"),
    ]
    ended = _gateway("galatea", phase="Failed")
    seen = view(nodes=fleet, gateways=[_gateway("nereus", phase="Running"), ended])
    assert gateways.unnamed(prod(), seen) == ["naiad", "nereus"]


def test_the_gateway_of_a_node_that_has_left_is_none() -> None:
    seen = view(nodes=_fleet(), gateways=[_gateway(STYX, phase="Running"), _gateway("naiad")])
    assert [each["node"] for each in gateways.gateways(seen)] == [STYX]


def test_a_silent_node_that_only_the_last_wave_knows_is_a_failure() -> None:
    silent = node("naiad", status="Unknown", message="Kubelet stopped posting node status.")
    (result,) = [each for each in _found(naiad=silent) if each.verdict is Verdict.FAIL]
    assert result.where == "node naiad"


def test_a_node_whose_kubelet_has_never_renewed_its_lease_is_a_failure() -> None:
    leases = [_lease(TETHYS, "2025-10-10T23:46:00.000000Z")]
    silent, _ = kubelet_leases.check(prod(), view(leases=leases, nodes=[node(STYX)]))
    assert (silent.verdict, silent.where) == (Verdict.FAIL, f"node {STYX}")


def test_a_node_that_no_pod_can_measure_is_told_with_its_reason() -> None:
    fleet = [
        *_fleet(),
        fleet_node("galatea", "dedicated:NoSchedule"),
        fleet_node("nereus", "maintenance:NoExecute"),
        node("naiad", status="Unknown", message="Kubelet stopped posting node status."),
    ]
    names = [STYX, "galatea", "nereus", "naiad", "ghost"]
    assert gateways.unfit(names, view(nodes=fleet)) == {
        "nereus": "it has the taint maintenance:NoExecute",
        "naiad": "NotReady since an unknown time: Kubelet stopped posting node status.",
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
