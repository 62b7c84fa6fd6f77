"""The page: everything on it, and its HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from report import moment
from report.firewall import Admission
from report.gate import Gate
from report.policy import Exemption, Finding, Rule
from report.secret_age import SecretAge
from report.status import Status
from report.topology import WIDTH, Topology

_ENFORCERS = {
    "preview": "in a preview",
    "scan": "in a scan of manifests",
    "cluster": "in the cluster",
}


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
    """All that is shown. `cluster_seen` is empty, or why the cluster could not be seen."""

    stack: str
    made: datetime
    written: datetime | None
    unseen: str
    topology: Topology
    gates: list[Gate]
    admissions: list[Admission]
    rules: list[Rule]
    findings: list[Finding]
    exemptions: list[Exemption]
    secrets: list[SecretAge]

    def summaries(self) -> list[Summary]:
        """How each part of the page stands, the worst of its entries deciding."""
        blocking = sum(each.blocks for each in self.findings)
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
            for name, where in _ENFORCERS.items()
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
        return environment.get_template("page.html").render(
            page=self, width=WIDTH, nothing=Status.GOOD
        )


_WORST_FIRST = (Status.BAD, Status.NOT_SEEN, Status.RUNNING, Status.WARN, Status.GOOD)


def _summary(title: str, anchor: str, noun: str, entries: Sequence[_Standing]) -> Summary:
    statuses = [each.status for each in entries]
    return Summary(
        title=title, anchor=anchor, status=_worst(statuses), what=_counted(statuses, noun)
    )


def _worst(statuses: list[Status]) -> Status:
    return next((each for each in _WORST_FIRST if each in statuses), Status.GOOD)


def _counted(statuses: list[Status], noun: str) -> str:
    total = f"{len(statuses)} {noun}{'' if len(statuses) == 1 else 's'}"
    parts = [
        f"{statuses.count(each)} {each.word}"
        for each in _WORST_FIRST
        if each in statuses and each is not Status.GOOD
    ]
    return f"{total}: {', '.join(parts)}" if parts else total
