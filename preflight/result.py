"""What a check finds, in one form for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad a finding is.

    A `fail` is what an update can neither cope with nor mend: it ends one where the settings say
    `stop`. A `warn` is shown with every update, a `note` and an `ok` to who asks by hand.
    """

    OK = "ok"
    NOTE = "note"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One finding: which check, how bad, on what (`where`), what it is, and how to mend it."""

    check: str
    verdict: Verdict
    where: str
    what: str
    remedy: str = ""

    def line(self) -> str:
        """All of it on one line."""
        remedy = f": {self.remedy}" if self.remedy else ""
        return f"{self.check}: {self.where}: {self.what}{remedy}"


class UnseenError(Exception):
    """What a check asks about could not be seen; the text says what and why, without secrets.

    `verdict` is how bad that is: a warning, or a failure where a credential was refused, which the
    update would meet in its middle.
    """

    def __init__(self, what: str, verdict: Verdict = Verdict.WARN, remedy: str = "") -> None:
        super().__init__(what)
        self.verdict = verdict
        self.remedy = remedy


def listed(names: list[str], most: int = 5) -> str:
    """Names on one line, the first few of many and their number."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
