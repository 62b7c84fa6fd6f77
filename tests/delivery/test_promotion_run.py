"""Promotion with the real engine and a bucket: what goes on, what is refused, what is put back."""

from __future__ import annotations

import json

import pytest

from tests.delivery.checkout import said
from tests.delivery.conftest import Stage

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def promoted(stage: Stage) -> Stage:
    """The first release in dev and, by its plan, in prod."""
    dev = stage.checkout.delivery("up", "--stack", "dev")
    assert dev.returncode == 0, said(dev)
    planned = stage.checkout.make("plan", "STACK=prod")
    assert planned.returncode == 0, said(planned)
    result = stage.checkout.make("promote", "STACK=prod")
    assert result.returncode == 0, said(result)
    return stage


def _prod(stage: Stage) -> dict[str, object]:
    return stage.checkout.outputs("prod")


def _refused(stage: Stage, reason: str) -> None:
    before = stage.bucket.keys(".pulumi/history/oceanid-cluster/prod")
    result = stage.checkout.make("promote", "STACK=prod")
    assert result.returncode == 2, said(result)
    assert reason in result.stderr
    assert stage.bucket.keys(".pulumi/history/oceanid-cluster/prod") == before


def _ready(stage: Stage, message: str, **commands: str) -> str:
    """A release that is green in dev and has a plan for prod."""
    commit = stage.release(message, **commands)
    for step in (("up", "--stack", "dev"), ("plan", "--stack", "prod")):
        result = stage.checkout.delivery(*step)
        assert result.returncode == 0, said(result)
    return commit


def test_a_green_commit_reaches_prod_by_its_plan(promoted: Stage) -> None:
    assert _prod(promoted) == {"first": "one"}
    history = promoted.checkout.run(
        ".venv/bin/python",
        "-c",
        "from delivery import history, run\n"
        "print(history.updates('prod', run.stack_environment('prod'))[0].is_release)",
    )
    assert history.stdout.strip() == "True", said(history)


def test_a_commit_that_dev_does_not_have_is_refused(promoted: Stage) -> None:
    promoted.release("A release nobody tried", first="echo untried")
    _refused(promoted, "dev is at ")


def test_a_commit_that_failed_in_dev_is_refused(promoted: Stage) -> None:
    promoted.release("A release that fails its gate", first="echo two", gate="exit 1")
    assert promoted.checkout.delivery("up", "--stack", "dev").returncode != 0
    _refused(promoted, "dev's update to it failed, or one of its gates did")


def test_uncommitted_changes_are_refused(promoted: Stage) -> None:
    _ready(promoted, "A release", first="echo two")
    promoted.checkout.write("notes.txt", "not committed")
    _refused(promoted, "the work tree has changes (?? notes.txt, 1 in all)")
    (promoted.checkout.path / "notes.txt").unlink()


def test_the_plan_of_another_commit_is_refused(promoted: Stage) -> None:
    _ready(promoted, "A release", first="echo two")
    promoted.release("The next one", first="echo three")
    assert promoted.checkout.delivery("up", "--stack", "dev").returncode == 0
    _refused(promoted, "prod's plan is for commit ")


def test_a_plan_that_somebody_has_changed_is_refused(promoted: Stage) -> None:
    _ready(promoted, "A release", first="echo two")
    plan = promoted.checkout.path / ".delivery" / "plan-prod.json"
    plan.write_text(plan.read_text() + "\n")
    _refused(promoted, "plan-prod.json is not the plan that was saved")


def test_a_plan_that_another_update_has_overtaken_is_refused(promoted: Stage) -> None:
    _ready(promoted, "A release", first="echo two")
    assert promoted.checkout.delivery("up", "--stack", "prod").returncode == 0
    _refused(promoted, "prod has been updated since its plan was made")


def test_what_exceeds_the_plan_is_refused_without_its_value_shown(promoted: Stage) -> None:
    _ready(promoted, "A release", first="echo '@ENVIRONMENT@'")
    before = _prod(promoted)
    surprised = promoted.checkout.with_environment(SURPRISE="a value nobody approved")
    result = surprised.make("promote", "STACK=prod")
    assert result.returncode == 2, said(result)
    assert "violates plan: properties changed: " in result.stdout
    assert "(values not shown)" in result.stdout
    assert "a value nobody approved" not in said(result)
    assert "nothing was changed, nothing is to be put back" in result.stdout
    assert _prod(promoted) == before


def test_a_promotion_that_fails_puts_the_last_release_back(promoted: Stage) -> None:
    good = _ready(promoted, "A good release", first="echo good")
    assert promoted.checkout.make("promote", "STACK=prod").returncode == 0
    # In dev the gate passes, in prod it does not.
    gate = 'test "$PULUMI_STACK_IS" != prod'
    promoted.release("One that only prod finds wrong", first="echo bad", gate=gate)
    for step in (("up", "--stack", "dev"), ("plan", "--stack", "prod")):
        assert promoted.checkout.delivery(*step).returncode == 0
    in_prod = promoted.checkout.with_environment(PULUMI_STACK_IS="prod")
    result = in_prod.make("promote", "STACK=prod")
    assert result.returncode == 2, said(result)
    assert f"prod is back at {good[:12]}" in result.stdout
    assert _prod(promoted) == {"first": "good"}
    assert json.loads(promoted.checkout.delivery("export", "--stack", "prod").stdout)
