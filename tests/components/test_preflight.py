"""The preflight of a rollback: what it finds is shown, and stops nothing."""

from __future__ import annotations

import pulumi
import pytest

from tests.components.recording import World, record_stack

_DEAD = {
    "check": "nodes",
    "where": "node styx",
    "what": "the cluster has no node of that name",
    "remedy": "mend the node",
    "verdict": "fail",
}


def test_a_rollback_is_not_refused_for_what_it_goes_back_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda line, *_, **__: warnings.append(line))
    with pytest.raises(pulumi.RunError, match="nothing has been changed"):
        record_stack("prod", World(problems=[_DEAD]))
    monkeypatch.setenv("OCEANID_ROLLBACK", "1")
    assert record_stack("prod", World(problems=[_DEAD])).of_type("kubernetes:apps/v1:DaemonSet")
    assert warnings == [
        "preflight nodes: node styx: the cluster has no node of that name: mend the node"
    ]
