"""The rules' part of ``docs/policies.md``: ``python -m policies docs [FILE]``."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from .commands import renewed, written
from .rules import every_rule
from .rules._cross_resource import CrossResourceRule

DEFAULT_FILE = Path(__file__).resolve().parent.parent / "docs" / "policies.md"


def text() -> str:
    """The whole document, with the rules as they are."""
    return renewed(DEFAULT_FILE, [*_table(), "", *_details()])


def main(arguments: Sequence[str]) -> int:
    return written("docs", text(), DEFAULT_FILE, arguments)


def _table() -> Iterator[str]:
    yield "## The rules"
    yield ""
    yield "| rule | severity | level | preview | scan | cluster |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for rule in every_rule():
        marks = ("yes" if name in rule.enforcers else "" for name in ("preview", "scan", "cluster"))
        yield (
            f"| [{rule.name}](#{rule.name}) | {rule.severity} | {rule.enforcement} "
            f"| {' | '.join(marks)} |"
        )


def _details() -> Iterator[str]:
    for rule in every_rule():
        yield f"### {rule.name}"
        yield ""
        yield rule.description
        yield ""
        yield f"- Remedy: {rule.remedy}."
        yield f"- Source: {rule.source}. [More]({rule.url})"
        yield f"- Limitations: {rule.limitations}"
        if rule.cel_differs_because:
            yield f"- In the cluster: {rule.cel_differs_because}"
        if isinstance(rule, CrossResourceRule):
            yield "- Judged over all resources together, not one by one."
        yield ""
