"""What a figure is held to, and whether it keeps to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A figure and its limit, which it must not pass or, with `at_least`, must reach.

    `name` says what was measured; `unit` is what both numbers are in.
    """

    name: str
    found: float
    limit: float
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the figure keeps to its limit, which itself is good."""
        return self.found >= self.limit if self.at_least else self.found <= self.limit

    def __str__(self) -> str:
        verdict = "met" if self.met else "MISSED"
        bound = f"{'at least' if self.at_least else 'at most'} {self.limit:g}{self.unit}"
        return f"goal {verdict}: {self.name}: {self.found:.4g}{self.unit}, {bound}"


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a part of the bench has found: a table in Markdown, and the goals that it has."""

    table: str
    goals: tuple[Goal, ...] = ()

    def __str__(self) -> str:
        goals = "\n".join(f"- {goal}" for goal in self.goals)
        return f"{self.table}\n\n{goals}" if goals else self.table


class NotMeasuredError(Exception):
    """Raised where the machine lacks what a part takes; says what, and the fix."""


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, words: int = 1) -> str:
    """A table in Markdown, whose first columns hold words and whose others hold figures."""
    marks = [*["---"] * words, *["---:"] * (len(head) - words)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, marks, *rows))
