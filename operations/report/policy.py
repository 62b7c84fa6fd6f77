"""Which rules guard the stack, what they find in it, and which exceptions are granted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from operations.delivery.environment import REPOSITORY
from operations.delivery.events import PolicyFinding
from operations.preflight.rules import run_policies
from operations.report.status import Status

_EXCEPTIONS = REPOSITORY / "policies" / "exceptions.yaml"
# A fortnight: an exception that ends within it is shown as a matter to attend to.
_SOON_DAYS = 14
ENFORCERS = {
    "preview": "in a preview",
    "scan": "in a scan of manifests",
    "cluster": "in the cluster",
}


@dataclass(frozen=True, kw_only=True)
class PolicyRule:
    name: str
    severity: str
    level: str
    enforcers: tuple[str, ...]


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
        if self.days_left < 0:
            return Status.BAD
        return Status.WARN if self.days_left <= _SOON_DAYS else Status.GOOD


def rules() -> list[PolicyRule]:
    """Every rule there is; raises UnavailableError."""
    return [
        PolicyRule(
            name=rule["name"],
            severity=rule["severity"],
            level=rule["level"],
            enforcers=tuple(name for name in ENFORCERS if rule[name]),
        )
        for rule in run_policies("coverage")
    ]


def findings(manifests: Iterable[dict[str, Any]]) -> list[PolicyFinding]:
    """What the scanner finds in manifests; raises UnavailableError."""
    stream = "---\n".join(json.dumps(manifest) + "\n" for manifest in manifests)
    results = run_policies("scan", "--format", "json", "-", stdin=stream)["results"]
    names = [field.name for field in fields(PolicyFinding)]
    return [PolicyFinding(**{name: result[name] for name in names}) for result in results]


def exemptions(today: date, file: Path = _EXCEPTIONS) -> list[Exemption]:
    """The exceptions, those that end first at the top."""
    exemptions = [
        Exemption(
            rule=entry["rule"],
            resource=entry["resource"],
            reason=entry["reason"],
            expires=entry["expires"],
            days_left=(entry["expires"] - today).days,
        )
        for entry in yaml.safe_load(file.read_text()) or []
    ]
    return sorted(exemptions, key=lambda exemption: exemption.expires)
