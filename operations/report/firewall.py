"""The database's firewall rules of the stack, held against the exit nodes' addresses."""

from dataclasses import dataclass

from operations.report.state import State
from operations.report.status import Status
from providers.crunchybridge import firewall_rule, retired_rule
from settings import Settings


@dataclass(frozen=True, kw_only=True)
class Admission:
    """One range, whom it admits, and whether that is as the settings want it."""

    cidr: str
    whom: str
    status: Status
    what: str


def admissions(settings: Settings, state: State) -> list[Admission]:
    """Exit nodes first, then what else is admitted, then what is retired; missing ones are bad."""
    rules = {str(rule.outputs.get("rule")): rule for rule in state.of_type(firewall_rule.TYPE_NAME)}
    exits = {
        cidr: f"exit node {', '.join(nodes)}" for cidr, nodes in settings.egress_ranges.items()
    }
    extra = {entry.cidr: entry.description for entry in settings.firewall.extra}
    wanted = exits | extra
    shown = [
        Admission(
            cidr=cidr,
            whom=whom,
            status=Status.GOOD if cidr in rules else Status.BAD,
            what="admitted" if cidr in rules else "no rule in the state",
        )
        for cidr, whom in wanted.items()
    ]
    shown += [
        Admission(
            cidr=cidr,
            whom=str(rule.outputs.get("description") or "no description"),
            status=Status.WARN,
            what="admitted, but no longer in the settings",
        )
        for cidr, rule in rules.items()
        if cidr not in wanted
    ]
    retired = {str(rule.outputs.get("rule")) for rule in state.of_type(retired_rule.TYPE_NAME)}
    shown += [
        Admission(
            cidr=cidr,
            whom="a legacy address",
            status=Status.GOOD if cidr in retired else Status.WARN,
            what="retired" if cidr in retired else "to be retired after the last gate",
        )
        for cidr in settings.firewall.retire
    ]
    return shown
