"""Pieces of Markdown from text that a pull request's author may have chosen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*_{}\[\]<>|#~&])")
_LONGEST = 600
_ROWS = 60


def plain(text: str) -> str:
    """Text that is shown as it is: no markup, no mention, one line."""
    line = " ".join(text.split())
    if len(line) > _LONGEST:
        line = f"{line[:_LONGEST]}…"
    # A zero-width space after @ keeps GitHub from telling people of it.
    return _MARKUP.sub(r"\\\1", line).replace("@", "@\u200b")


def code(text: str) -> str:
    """Text as code, inside a table too."""
    line = " ".join(text.split())[:_LONGEST].replace("`", "'").replace("|", "\\|")
    return f"`{line}`" if line else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table's lines; rows beyond 60 are counted, because GitHub takes 65536 characters."""
    every = [f"| {' | '.join(row)} |" for row in rows]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *every[:_ROWS]]
    if len(every) > _ROWS:
        lines += ["", f"… and {len(every) - _ROWS} more"]
    return lines
