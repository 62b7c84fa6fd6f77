"""The database's firewall rules of the stack, held against the exit nodes' addresses."""

from __future__ import annotations

from dataclasses import dataclass

from report.state import State
from report.status import Status
from settings import Settings

_RULE, _RETIRED = "crunchybridge:index:FirewallRule", "crunchybridge:index:RetiredRule"


@dataclass(frozen=True, kw_only=True)
class Admission:
    """One range, whom it admits, and whether that is as the settings want it."""

    cidr: str
    whom: str
    status: Status
    what: str


def admissions(settings: Settings, state: State) -> list[Admission]:
    """Exit nodes first, then what else is admitted, then what is retired; missing ones are bad."""
    rules = {str(each.outputs.get("rule")): each for each in state.of_type(_RULE)}
    exits = {
        cidr: f"exit node {', '.join(nodes)}" for cidr, nodes in settings.egress_ranges.items()
    }
    extra = {each.cidr: each.description for each in settings.firewall.extra}
    wanted = exits | extra
    found = [
        Admission(
            cidr=cidr,
            whom=whom,
            status=Status.GOOD if cidr in rules else Status.BAD,
            what="admitted" if cidr in rules else "no rule in the state",
        )
        for cidr, whom in wanted.items()
    ]
    found += [
        Admission(
            cidr=cidr,
            whom=str(rule.outputs.get("description") or "no description"),
            status=Status.WARN,
            what="admitted, but no longer in the settings",
        )
        for cidr, rule in rules.items()
        if cidr not in wanted
    ]
    retired = {str(each.outputs.get("rule")) for each in state.of_type(_RETIRED)}
    found += [
        Admission(
            cidr=cidr,
            whom="a legacy address",
            status=Status.GOOD if cidr in retired else Status.WARN,
            what="retired" if cidr in retired else "to be retired after the last gate",
        )
        for cidr in settings.firewall.retire
    ]
    return found
