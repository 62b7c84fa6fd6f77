"""What a check finds, in one form for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad a finding is.

    A `fail` is what an update can neither cope with nor fix: it stops the update where the settings
    say `stop`. A `warn` is shown with every update, a `note` and an `ok` only by the preflight's
    own command.
    """

    OK = "ok"
    NOTE = "note"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class PreflightFinding:
    """How bad, about what (`where`), what it is, and how to fix it; the run adds the check."""

    verdict: Verdict
    where: str
    what: str
    remedy: str = ""
    check: str = ""


def ok(where: str, what: str) -> PreflightFinding:
    return PreflightFinding(Verdict.OK, where, what)


def note(where: str, what: str, remedy: str = "") -> PreflightFinding:
    return PreflightFinding(Verdict.NOTE, where, what, remedy)


def warn(where: str, what: str, remedy: str = "") -> PreflightFinding:
    return PreflightFinding(Verdict.WARN, where, what, remedy)


def fail(where: str, what: str, remedy: str = "") -> PreflightFinding:
    return PreflightFinding(Verdict.FAIL, where, what, remedy)


def listed(names: list[str], most: int = 5) -> str:
    """Names on one line, the first few of many and their number."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
