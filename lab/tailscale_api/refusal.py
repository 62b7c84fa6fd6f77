"""A request the API refuses, in the words of the real API."""

from __future__ import annotations

from lab.refusal import Refusal

__all__ = ["Refusal", "not_found"]


def not_found(what: str) -> Refusal:
    """404, in the words of the real API."""
    return Refusal(404, f"{what} not found")
