"""How something stands, in a word, a shape and a colour: never by the colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, kw_only=True)
class _Look:
    """`path` is SVG path data in a square of 16; `style` a class of the page's style sheet."""

    word: str
    path: str
    style: str


class Status(Enum):
    """Drawn and not typed: a font need not have a tick."""

    GOOD = _Look(word="good", path="M2 8.5l4 4 8-9", style="good")
    BAD = _Look(word="bad", path="M3 3l10 10M13 3L3 13", style="bad")
    WARN = _Look(word="attention", path="M8 2v7.5M8 13.5v.1", style="warn")
    RUNNING = _Look(word="running", path="M3 8h.1M8 8h.1M13 8h.1", style="warn")
    UNKNOWN = _Look(
        word="unknown", path="M5 5a3 3 0 1 1 4.5 2.6q-1.5.9-1.5 2.2M8 13.5v.1", style="unknown"
    )

    @property
    def word(self) -> str:
        return self.value.word

    @property
    def path(self) -> str:
        """The shape before the word."""
        return self.value.path

    @property
    def style(self) -> str:
        return self.value.style
