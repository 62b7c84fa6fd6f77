"""When a commit counts as green, by the engine's own record of updates."""

from typing import Any

import pytest

from operations.delivery.history import Update, parse
from operations.delivery.promotion import last_release, why_no_rollback, why_not_green

_COMMIT = "a" * 40
_OTHER = "b" * 40


def entry(**changes: Any) -> dict[str, Any]:
    """An entry of `pulumi stack history --json`, as 3.246.0 prints it."""
    environment = {
        "git.head": _COMMIT,
        "git.dirty": "false",
        "pulumi.flag.policy-pack": "set",
        "pulumi.flag.stack": "set",
        "updatePlan": "false",
        **changes.pop("environment", {}),
    }
    return {
        "kind": "update",
        "message": "A change",
        "startTime": "2026-11-21T06:40:36.000Z",
        "result": "succeeded",
        "resourceChanges": {"same": 67, "update": 2},
        "environment": {key: value for key, value in environment.items() if value is not None},
        **changes,
    }


def _updates(*entries: dict[str, Any]) -> list[Update]:
    return [parse(each) for each in entries]


def _reason(*entries: dict[str, Any]) -> str | None:
    return why_not_green(_updates(*entries), "dev", _COMMIT)


def test_the_last_update_of_that_commit_makes_it_green() -> None:
    assert _reason(entry()) is None
    assert _reason(entry(), entry(environment={"git.head": _OTHER})) is None


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ((), "dev has never been updated in this backend"),
        (
            (entry(kind="destroy"), entry()),
            "the last thing done to dev was not an update but: destroy",
        ),
        ((entry(kind="import"), entry()), "not an update but: import"),
        ((entry(environment={"git.head": _OTHER}), entry()), f"dev is at {_OTHER[:12]}"),
        ((entry(environment={"git.head": None}), entry()), "dev is at no commit"),
        ((entry(result="failed"), entry()), "dev's update to it failed"),
        ((entry(kind="refresh", result="failed"), entry()), "not an update but: refresh"),
        ((entry(environment={"git.dirty": "true"}),), "a work tree with uncommitted changes"),
        ((entry(environment={"git.dirty": None}),), "a work tree with uncommitted changes"),
        ((entry(environment={"pulumi.flag.policy-pack": None}),), "without the policy pack"),
        (
            (entry(environment={"pulumi.flag.target": "set", "git.head": _OTHER}), entry()),
            f"dev is at {_OTHER[:12]}",
        ),
        ((entry(environment={"pulumi.flag.exclude": "set"}),), "dev has never been updated"),
    ],
)
def test_anything_else_is_refused_with_its_reason(
    entries: tuple[dict[str, Any], ...], reason: str
) -> None:
    found = _reason(*entries)
    assert found is not None
    assert reason in found


@pytest.mark.parametrize(
    "later",
    [
        entry(kind="refresh"),
        entry(environment={"pulumi.flag.target": "set"}),
    ],
)
def test_what_adds_nothing_leaves_a_green_commit_green(later: dict[str, Any]) -> None:
    assert _reason(later, entry()) is None


def test_the_last_release_is_the_newest_update_that_passed_whole() -> None:
    updates = _updates(
        entry(result="failed", environment={"git.head": _OTHER}),
        entry(kind="refresh", environment={"git.head": _OTHER}),
        entry(environment={"git.head": _OTHER, "git.dirty": "true"}),
        entry(environment={"git.head": _OTHER, "pulumi.flag.target": "set"}),
        entry(),
    )
    assert last_release(updates) == _COMMIT
    assert last_release(updates[:-1]) is None


_OWN = entry(message="Promote", result="failed")


def _why_no_rollback(*entries: dict[str, Any]) -> str | None:
    return why_no_rollback(_updates(*entries), "prod", "Promote")


def test_a_promotion_that_failed_half_way_is_rolled_back() -> None:
    assert _why_no_rollback(_OWN, entry()) is None


_NO_RECORD = "this update left no record, so nothing is rolled back"
_OTHERS = entry(environment={"git.head": _OTHER})


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ((), _NO_RECORD),
        ((entry(),), _NO_RECORD),
        ((entry(result="failed"), entry()), _NO_RECORD),
        ((_OTHERS, _OWN, entry()), f"came after this one (update of {_OTHER[:12]})"),
        (({**_OWN, "resourceChanges": {"same": 3}}, entry()), "nothing was changed"),
    ],
)
def test_what_a_promotion_did_not_leave_is_left_alone(
    entries: tuple[dict[str, Any], ...], why: str
) -> None:
    reason = _why_no_rollback(*entries)
    assert reason is not None
    assert why in reason
    assert ("oceanid unlock --stack prod" in reason) == (why is _NO_RECORD)


def test_only_what_was_touched_counts_as_changed() -> None:
    assert parse(entry()).changed == 2
    assert parse(entry(resourceChanges={"same": 3})).changed == 0
    assert parse(entry(resourceChanges=None)).changed == 0
