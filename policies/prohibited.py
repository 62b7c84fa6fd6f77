"""The rules' part of ``docs/prohibited-patterns.md``: ``python -m policies prohibited [FILE]``."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from .commands import renewed, written
from .rules import every_rule
from .rules._model import Enforcement, Rule

DEFAULT_FILE = Path(__file__).resolve().parent.parent / "docs" / "prohibited-patterns.md"

_INCIDENT = "incident-2025-10-13"
# By the first of a rule's tags, in the order of the document.
_SUBJECTS = {
    "network": "The nodes' network",
    "egress": "The egress path",
    "rollout": "Roll-outs",
    "secrets": "Secrets",
    "rbac": "Rights",
    "operations": "Operations",
    "pod-security": "Pod security",
    "supply-chain": "Images",
    "correctness": "What looks right and is not",
}


def text() -> str:
    """The whole document, with the rules as they are."""
    rules = [rule for rule in every_rule() if rule.enforcement is Enforcement.MANDATORY]
    causes = [rule for rule in rules if _INCIDENT in rule.tags]
    lines = [*_table(causes), ""]
    for tag, title in _SUBJECTS.items():
        others = [rule for rule in rules if rule not in causes and rule.tags[0] == tag]
        if others:
            lines += [f"## {title}", "", *_table(others), ""]
    return renewed(DEFAULT_FILE, lines)


def main(arguments: Sequence[str]) -> int:
    return written("prohibited", text(), DEFAULT_FILE, arguments)


def _table(rules: Sequence[Rule]) -> Iterator[str]:
    yield "| the rule | instead | why |"
    yield "| --- | --- | --- |"
    for rule in rules:
        yield (
            f"| {_cell(rule.description)} [{rule.name}](policies.md#{rule.name}) "
            f"| {_cell(rule.remedy)} | {_cell(rule.source)} |"
        )


def _cell(words: str) -> str:
    return words.replace("|", "\\|")
