"""Somebody has logged in at every node's console in the last 90 days, or the update says so."""

from datetime import date, timedelta

import pytest

from operations.preflight.checks import console_access
from operations.preflight.finding import PreflightFinding, Verdict
from tests.unit.seen_cluster import prod

_TODAY = date(2026, 11, 21)


def _checked(*days_ago: int | None) -> list[PreflightFinding]:
    settings = prod()
    nodes = tuple(
        node.model_copy(
            update={"console_confirmed": None if ago is None else _TODAY - timedelta(days=ago)}
        )
        for node, ago in zip(settings.nodes, days_ago, strict=True)
    )
    return list(console_access.check(settings.model_copy(update={"nodes": nodes}), _TODAY))


def test_consoles_confirmed_lately_are_fine() -> None:
    (result,) = _checked(0, 30, 90)
    assert (result.verdict, result.where) == (Verdict.OK, "3 consoles")


def test_nodes_that_nobody_has_confirmed_are_one_failure_with_the_line_to_write() -> None:
    failure, fine = _checked(None, 1, None)
    assert failure.verdict is Verdict.FAIL
    assert failure.where == "node srv712429, calypso"
    assert failure.remedy.endswith('consoleConfirmed: "2026-11-21" in the settings')
    assert fine.where == "1 consoles"


@pytest.mark.parametrize(("days", "what"), [(91, "91 days ago"), (-1, "a day in the future")])
def test_a_day_too_long_ago_or_still_to_come_is_a_failure(days: int, what: str) -> None:
    failure, _ = _checked(days, 1, 1)
    assert (failure.verdict, failure.where) == (Verdict.FAIL, "node srv712429")
    assert what in failure.what
