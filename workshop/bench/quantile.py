"""Shares of a list of figures."""

from collections.abc import Iterable


def quantile(values: Iterable[float], share: float) -> float:
    """The value that so much of them do not pass: of 20, p99 is the largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
