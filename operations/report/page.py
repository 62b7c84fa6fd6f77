"""The page: everything on it, and its HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from operations.delivery.events import PolicyFinding
from operations.report import moment
from operations.report.firewall import Admission
from operations.report.gate import Gate
from operations.report.policy import ENFORCERS, Exemption
from operations.report.secret_age import SecretAge
from operations.report.status import Status
from operations.report.topology import WIDTH, Topology
from policies.rules._model import Rule


class _Standing(Protocol):
    @property
    def status(self) -> Status: ...


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One line at the top: a part of the page, its standing, and why."""

    title: str
    anchor: str
    status: Status
    what: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """All that is shown; `cluster_error` is why the cluster is unavailable, or empty."""

    stack: str
    made: datetime
    written: datetime | None
    cluster_error: str
    topology: Topology
    gates: list[Gate]
    admissions: list[Admission]
    rules: tuple[Rule, ...]
    findings: list[PolicyFinding]
    exemptions: list[Exemption]
    secrets: list[SecretAge]

    def summaries(self) -> list[Summary]:
        """How each part of the page stands, the worst of its entries deciding."""
        blocking = sum(finding.blocks for finding in self.findings)
        policies = Summary(
            title="Policies",
            anchor="policies",
            status=Status.BAD if blocking else Status.GOOD,
            what=f"{blocking} violations by {len(self.rules)} rules",
        )
        return [
            _summary("Gates", "waves", "wave", self.gates),
            _summary("Firewall", "firewall", "range", self.admissions),
            policies,
            _summary("Exceptions", "exceptions", "exception", self.exemptions),
            _summary("Secrets", "secrets", "secret", self.secrets),
        ]

    def enforced(self) -> list[tuple[int, str]]:
        """How many rules each enforcer has, and where that is."""
        return [
            (sum(name in rule.enforcers for rule in self.rules), where)
            for name, where in ENFORCERS.items()
        ]

    def html(self) -> str:
        """The whole page in one file that asks nobody for anything."""
        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["age"] = lambda value: moment.age(value, self.made)
        return environment.get_template("page.html").render(page=self, width=WIDTH, Status=Status)


_WORST_FIRST = (Status.BAD, Status.UNKNOWN, Status.RUNNING, Status.WARN, Status.GOOD)


def _summary(title: str, anchor: str, noun: str, entries: Sequence[_Standing]) -> Summary:
    statuses = [entry.status for entry in entries]
    worst_first = [status for status in _WORST_FIRST if status in statuses]
    total = f"{len(statuses)} {noun}{'' if len(statuses) == 1 else 's'}"
    counts = [
        f"{statuses.count(status)} {status.word}"
        for status in worst_first
        if status is not Status.GOOD
    ]
    return Summary(
        title=title,
        anchor=anchor,
        status=worst_first[0] if worst_first else Status.GOOD,
        what=f"{total}: {', '.join(counts)}" if counts else total,
    )
