"""A node that is missing or silent is found before an update touches the fleet."""

from __future__ import annotations

from typing import Any

from preflight.nodes import problems


def _node(name: str, **ready: str) -> dict[str, Any]:
    conditions = [{"type": "Ready", **ready}] if ready else []
    return {"metadata": {"name": name}, "status": {"conditions": conditions}}


def test_ready_nodes_are_no_problem() -> None:
    assert problems(["tethys"], [_node("tethys", status="True")]) == []


def test_a_node_the_cluster_lacks_is_named() -> None:
    (problem,) = problems(["tethys", "styx"], [_node("tethys", status="True")])
    assert (problem.node, problem.what) == ("styx", "the cluster has no node of that name")


def test_a_silent_node_is_named_with_the_time_it_fell_silent() -> None:
    silent = _node(
        "styx",
        status="Unknown",
        lastTransitionTime="2025-10-10T23:45:03Z",
        message="Kubelet stopped posting node status.",
    )
    (problem,) = problems(["styx"], [silent])
    assert problem.what == (
        "NotReady since 2025-10-10T23:45:03Z: Kubelet stopped posting node status."
    )


def test_a_node_that_has_never_reported_is_a_problem() -> None:
    (problem,) = problems(["styx"], [_node("styx")])
    assert problem.what == "it has never reported that it is Ready"


def test_nodes_the_settings_do_not_name_are_not_asked_about() -> None:
    assert problems([], [_node("styx")]) == []
