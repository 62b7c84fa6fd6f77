"""Promotion with the real engine and a bucket: what goes on, is refused, or is rolled back."""

import json

import pytest

from tests.delivery.bucket import NAME
from tests.delivery.conftest import Stage
from workshop.testing.checkout import passed, said

pytestmark = pytest.mark.e2e

_HISTORY = ".pulumi/history/oceanid-cluster/prod"
_LOCKS = ".pulumi/locks/organization/oceanid-cluster/prod"


@pytest.fixture(scope="module")
def promoted(stage: Stage) -> Stage:
    """The first release in dev and, by its plan, in prod."""
    passed(stage.checkout.oceanid("up", "--stack", "dev"))
    passed(stage.checkout.oceanid("plan", "--stack", "prod"))
    passed(stage.checkout.oceanid("promote", "--stack", "prod"))
    return stage


def _prod(stage: Stage) -> dict[str, object]:
    return stage.checkout.outputs("prod")


def _refused(stage: Stage, reason: str) -> None:
    before = stage.bucket.keys(_HISTORY)
    result = stage.checkout.oceanid("promote", "--stack", "prod")
    assert result.returncode == 2, said(result)
    assert reason in result.stderr
    assert stage.bucket.keys(_HISTORY) == before


def _done(stage: Stage, *steps: tuple[str, str]) -> None:
    for command, stack in steps:
        passed(stage.checkout.oceanid(command, "--stack", stack))


def test_a_green_commit_reaches_prod_by_its_plan(promoted: Stage) -> None:
    assert _prod(promoted) == {"first": "one"}


# From here on each test goes on from where the one before has left the two stacks.


@pytest.fixture(scope="module")
def ready(promoted: Stage) -> Stage:
    """A second release that is green in dev and has a plan for prod."""
    promoted.release("The second release", first="echo two")
    _done(promoted, ("up", "dev"), ("plan", "prod"))
    return promoted


def test_uncommitted_changes_are_refused(ready: Stage) -> None:
    ready.checkout.write("notes.txt", "not committed")
    _refused(ready, "the work tree has changes (?? notes.txt, 1 in all)")
    (ready.checkout.path / "notes.txt").unlink()


def test_a_plan_that_somebody_has_changed_is_refused(ready: Stage) -> None:
    plan = ready.checkout.path / ".delivery" / "plan-prod.json"
    whole = plan.read_text()
    plan.write_text(whole + "\n")
    _refused(ready, "plan-prod.json is not the plan that was saved")
    plan.write_text(whole)


def test_a_commit_that_dev_does_not_have_is_refused(ready: Stage) -> None:
    ready.release("A release nobody tried", first="echo untried")
    _refused(ready, "dev is at ")


def test_the_plan_of_another_commit_is_refused(ready: Stage) -> None:
    ready.release("The third release", first="echo '@ENVIRONMENT@'")
    _done(ready, ("up", "dev"))
    _refused(ready, "prod's plan is for commit ")


def test_a_plan_that_another_update_has_overtaken_is_refused(ready: Stage) -> None:
    _done(ready, ("plan", "prod"), ("refresh", "prod"))
    _refused(ready, "prod has been updated since its plan was made")


def test_what_exceeds_the_plan_is_refused_without_its_value_shown(ready: Stage) -> None:
    _done(ready, ("plan", "prod"))
    surprised = ready.checkout.with_environment(SURPRISE="a value nobody approved")
    result = surprised.oceanid("promote", "--stack", "prod")
    assert result.returncode == 1, said(result)
    assert "violates plan: properties changed: " in result.stdout
    assert "(values not shown)" in result.stdout
    assert "a value nobody approved" not in said(result)
    assert "nothing was changed, so nothing is rolled back" in result.stdout
    assert _prod(ready) == {"first": "one"}


def test_a_promotion_that_meets_a_lock_leaves_the_release_of_another_alone(ready: Stage) -> None:
    _done(ready, ("plan", "prod"))
    before = ready.bucket.keys(_HISTORY)
    holder = {"pid": 1, "username": "ana", "hostname": "ci-7", "timestamp": "2026-11-21T06:40:36Z"}
    lock = f"{_LOCKS}/held.json"
    ready.bucket.s3.put_object(Bucket=NAME, Key=lock, Body=json.dumps(holder).encode())
    result = ready.checkout.oceanid("promote", "--stack", "prod")
    ready.bucket.s3.delete_object(Bucket=NAME, Key=lock)
    assert result.returncode == 1, said(result)
    assert "the stack is currently locked by 1 lock(s)" in said(result)
    assert "this update left no record, so nothing is rolled back" in result.stdout
    assert "oceanid unlock --stack prod" in result.stdout
    assert "goes back to" not in result.stdout
    assert ready.bucket.keys(_HISTORY) == before
    assert _prod(ready) == {"first": "one"}


def test_a_promotion_that_fails_puts_the_last_release_back(ready: Stage) -> None:
    good = ready.checkout.git("rev-parse", "HEAD").strip()
    _done(ready, ("plan", "prod"))
    passed(ready.checkout.oceanid("promote", "--stack", "prod"))
    # In dev the gate passes, in prod it does not.
    ready.release("What only prod finds wrong", first="echo bad", gate='test "$PLACE" != prod')
    _done(ready, ("up", "dev"), ("plan", "prod"))
    result = ready.checkout.with_environment(PLACE="prod").oceanid("promote", "--stack", "prod")
    assert result.returncode == 1, said(result)
    assert f"prod is back at {good[:12]}" in result.stdout
    assert _prod(ready) == {"first": "as planned"}
    # What was rolled back counts as a release again: the old commit's work tree was clean.
    assert ready.newest_update("is_release") == "True"
    assert ready.newest_update("commit") == good
