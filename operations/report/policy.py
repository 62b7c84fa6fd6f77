"""What the rules find in the stack, and which exceptions are granted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from operations.delivery.events import PolicyFinding
from operations.errors import OperationError
from operations.report.status import Status
from policies.errors import PoliciesError
from policies.exceptions import DEFAULT_FILE, DatedException, Enforcer, load_exceptions
from policies.manifests import Source
from policies.result import Result
from policies.scanner import Scanner

# A fortnight: an exception that ends within it is shown as a matter to attend to.
_SOON_DAYS = 14
ENFORCERS = {
    "preview": "in a preview",
    "scan": "in a scan of manifests",
    "cluster": "in the cluster",
}


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """A dated exception, and how many days it is still good for."""

    granted: DatedException
    days_left: int

    @property
    def status(self) -> Status:
        if self.days_left < 0:
            return Status.BAD
        return Status.WARN if self.days_left <= _SOON_DAYS else Status.GOOD


def findings(manifests: Iterable[dict[str, Any]]) -> list[PolicyFinding]:
    """What the scanner finds in manifests; raises OperationError."""
    try:
        scanner = Scanner(load_exceptions(Enforcer.SCAN))
    except PoliciesError as error:
        raise OperationError(str(error)) from None
    judged = scanner.judged(Source("state"), manifests, placed=False)
    results = [result for result in judged if isinstance(result, Result)]
    return [
        PolicyFinding(
            rule=result.rule.name,
            severity=result.rule.severity,
            resource=result.resource,
            message=result.finding.message,
            blocks=result.blocks,
            excepted=result.excepted,
        )
        for result in (*results, *scanner.cross_resource(whole=True))
    ]


def exemptions(today: date, file: Path = DEFAULT_FILE) -> list[Exemption]:
    exemptions = [
        Exemption(granted=granted, days_left=(granted.expires - today).days)
        for granted in load_exceptions(Enforcer.SCAN, file).entries
    ]
    return sorted(exemptions, key=lambda exemption: exemption.days_left)
