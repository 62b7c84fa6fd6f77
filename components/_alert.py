"""One alert: when it fires, how bad that is, what it means, and where to read on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """CRITICAL wakes somebody: traffic stops or leaks. WARNING waits for the morning."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """A rule of Prometheus.

    `expr` is PromQL; `hold` how long it must hold first, a duration of Prometheus; `runbook` a file
    of docs/ with an anchor. `summary` and `impact` may use `{{ $labels.x }}` and `{{ $value }}`.
    """

    name: str
    expr: str
    severity: Severity
    summary: str
    impact: str
    runbook: str
    hold: str = "0s"

    def rule(self, docs_url: str) -> dict[str, Any]:
        """The rule as a PrometheusRule has it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.hold,
            "labels": {"severity": self.severity.value},
            "annotations": {
                "summary": self.summary,
                "impact": self.impact,
                "runbook_url": f"{docs_url}/{self.runbook}",
            },
        }


def groups(named: dict[str, Sequence[Alert]], docs_url: str) -> list[dict[str, Any]]:
    """The `groups` of a PrometheusRule, and of a rule file; a group without alerts is left out."""
    return [
        {"name": f"oceanid-{name}", "rules": [each.rule(docs_url) for each in alerts]}
        for name, alerts in named.items()
        if alerts
    ]
