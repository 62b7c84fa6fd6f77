"""Which rules guard the stack, what they find in it, and which exceptions are granted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from preflight.result import UnseenError
from preflight.rules import ask
from report.state import ReportError
from report.status import Status

_REPOSITORY = Path(__file__).resolve().parent.parent
_EXCEPTIONS = _REPOSITORY / "policies" / "exceptions.yaml"
# A fortnight: an exception that ends within it is shown as a matter to attend to.
_SOON_DAYS = 14


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule and who enforces it."""

    name: str
    severity: str
    level: str
    enforcers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a rule found in the deployed manifests."""

    rule: str
    resource: str
    message: str
    blocks: bool
    excepted: str | None

    @property
    def status(self) -> Status:
        """Bad where it would stop a preview."""
        return Status.BAD if self.blocks else Status.WARN

    @property
    def word(self) -> str:
        """What it does to a preview."""
        if self.excepted is not None:
            return f"excepted {self.excepted}:"
        return "violation:" if self.blocks else "advice:"


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """A dated exception, and how many days it is still good for."""

    rule: str
    resource: str
    reason: str
    expires: date
    days_left: int

    @property
    def status(self) -> Status:
        """Bad once it has expired."""
        if self.days_left < 0:
            return Status.BAD
        return Status.WARN if self.days_left <= _SOON_DAYS else Status.GOOD


def rules() -> list[Rule]:
    """Every rule there is; raises ReportError."""
    return [
        Rule(
            name=each["name"],
            severity=each["severity"],
            level=each["level"],
            enforcers=tuple(name for name in ("preview", "scan", "cluster") if each[name]),
        )
        for each in _program("coverage")
    ]


def findings(manifests: Iterable[dict[str, Any]]) -> list[Finding]:
    """What the scanner finds in manifests; raises ReportError."""
    stream = "---\n".join(json.dumps(each) + "\n" for each in manifests)
    return [
        Finding(
            rule=each["rule"],
            resource=each["resource"],
            message=each["message"],
            blocks=each["blocks"],
            excepted=each["excepted"],
        )
        for each in _program("scan", "--format", "json", "-", send=stream)["results"]
    ]


def exemptions(today: date, file: Path = _EXCEPTIONS) -> list[Exemption]:
    """The exceptions, those that end first at the top."""
    found = [
        Exemption(
            rule=each["rule"],
            resource=each["resource"],
            reason=each["reason"],
            expires=each["expires"],
            days_left=(each["expires"] - today).days,
        )
        for each in yaml.safe_load(file.read_text()) or []
    ]
    return sorted(found, key=lambda each: each.expires)


def _program(*arguments: str, send: str = "") -> Any:  # noqa: ANN401  whatever JSON it prints
    try:
        return ask(*arguments, send=send)
    except UnseenError as error:
        raise ReportError(str(error)) from None
