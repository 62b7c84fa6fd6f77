"""Promotion with the real engine from a `dev` whose gates were simulated, or say nothing."""

import json
from dataclasses import replace

import pytest

from tests.delivery.conftest import Stage
from workshop.testing.checkout import Completed, passed, said

pytestmark = pytest.mark.e2e

_ACCEPT = "--accept-simulated-gates"


def _released(stage: Stage, finding: str) -> None:
    """A release that is green in dev, whose gate has said this, and has a plan for prod."""
    stage.checkout.write("gates.json", json.dumps({"canary": {"styx": finding}}))
    stage.release(f"A release whose gate says {finding}", first=f"echo {len(finding)}")
    passed(stage.checkout.oceanid("up", "--stack", "dev"))
    passed(stage.checkout.oceanid("plan", "--stack", "prod"))


def _promoted(stage: Stage, *options: str) -> Completed:
    """A promotion as the job in CI runs it, which has no passphrase of dev."""
    without = stage.checkout.with_environment(OCEANID_LAB=str(stage.checkout.path / "no-lab"))
    return without.oceanid("promote", "--stack", "prod", *options)


def test_gates_that_have_not_measured_are_refused_unless_that_is_accepted(stage: Stage) -> None:
    # Whatever else is no measurement: tests/delivery/test_gate_findings.py.
    _released(stage, "simulated: node styx: all checks passed")
    why = "dev's gates were simulated: nothing was measured"
    refused = _promoted(stage)
    assert refused.returncode == 2, said(refused)
    assert why in refused.stderr
    assert f"or promote with {_ACCEPT}" in refused.stderr
    page = stage.checkout.path.parent / "summary.md"
    job = replace(stage, checkout=stage.checkout.with_environment(GITHUB_STEP_SUMMARY=str(page)))
    accepted = passed(_promoted(job, _ACCEPT))
    assert page.read_text().rstrip().endswith(f"accepted by `{_ACCEPT}`")
    assert why in accepted.stdout
    assert f"accepted by {_ACCEPT}" in accepted.stdout
    # The engine's own record keeps it.
    assert why in stage.newest_update("message")


def test_gates_that_have_measured_need_no_option_and_leave_no_mark(stage: Stage) -> None:
    finding = "node styx: all 9 checks passed: egress-address saw 157.173.210.123 in 34 ms"
    _released(stage, finding)
    assert "accepted" not in passed(_promoted(stage, _ACCEPT)).stdout
    assert "accepted" not in stage.newest_update("message")
    # The plan of a later release holds, whatever its update has the gates say.
    assert stage.checkout.outputs("prod")["gates"] == {"canary": {"styx": finding}}
