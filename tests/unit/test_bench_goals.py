"""A bench that misses a goal says so and fails."""

import pytest

from workshop.bench.__main__ import main
from workshop.bench.goal import Goal, NotMeasuredError, Results
from workshop.bench.quantile import quantile


def _results(found: float, *, at_least: bool = False) -> Results:
    goal = Goal(name="failover p99", found=found, limit=5, unit=" s", at_least=at_least)
    return Results(table="| a table |", goals=(goal,))


def test_where_every_goal_is_met_it_prints_them_and_ends_well(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main({"Failover": lambda: _results(4.5), "Rules": lambda: Results(table="| b |")}) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "| a table |\n\n- goal met: failover p99: 4.5 s, at most 5 s\n" in said.out
    assert "## Rules\n\n| b |\n" in said.out


@pytest.mark.parametrize(
    ("results", "bound"),
    [
        (_results(5.01), "5.01 s, at most 5 s"),
        (_results(4.5, at_least=True), "4.5 s, at least 5 s"),
    ],
)
def test_a_goal_that_is_missed_is_named_at_the_end_and_the_rest_is_measured_still(
    results: Results, bound: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main({"Failover": lambda: results, "Rules": lambda: Results(table="| b |")}) == 1
    said = capsys.readouterr()
    assert said.err == f"bench: Failover: goal MISSED: failover p99: {bound}\n"
    assert "| b |" in said.out


def test_what_cannot_be_measured_here_does_not_pass(capsys: pytest.CaptureFixture[str]) -> None:
    def measure() -> Results:
        raise NotMeasuredError("it takes root")

    assert main({"Failover": measure}) == 1
    assert capsys.readouterr().err == "bench: Failover: not measured: it takes root\n"


def test_a_limit_itself_is_good() -> None:
    assert _results(5).goals[0].met
    assert _results(5, at_least=True).goals[0].met


def test_of_twenty_runs_p99_is_the_longest() -> None:
    assert quantile(range(20, 0, -1), 0.99) == 20
    assert quantile(range(20, 0, -1), 0.5) == 11
