"""How something stands, in a word, a shape and a colour: never by the colour alone."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """A word, SVG path data in a square of 16, and a class of the page's style sheet.

    Drawn and not typed: a font need not have a tick.
    """

    GOOD = "good", "M2 8.5l4 4 8-9", "good"
    BAD = "bad", "M3 3l10 10M13 3L3 13", "bad"
    WARN = "attention", "M8 2v7.5M8 13.5v.1", "warn"
    RUNNING = "running", "M3 8h.1M8 8h.1M13 8h.1", "warn"
    UNKNOWN = "unknown", "M5 5a3 3 0 1 1 4.5 2.6q-1.5.9-1.5 2.2M8 13.5v.1", "unknown"

    def __init__(self, word: str, path: str, style: str) -> None:
        self.word = word
        self.path = path
        self.style = style
