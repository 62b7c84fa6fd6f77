"""The database's firewall: it admits the exit nodes' addresses and what the settings list."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from .admitted_range import AdmittedRange
from .crunchybridge import FirewallRule, ListedRule, RetiredRule, firewall_rules


@dataclass(frozen=True, kw_only=True)
class FirewallArgs:
    """The rules of one network.

    `egress` are the exit nodes' addresses, `extra` what else is admitted; `retire` goes once
    `retire_after` is done, such as the gate of the last wave. Unless `remove_on_destroy`, the rules
    of `egress` outlive the stack: destroying it must not close the database to what still runs.
    """

    network: str
    egress: tuple[AdmittedRange, ...]
    extra: tuple[AdmittedRange, ...]
    retire: tuple[str, ...]
    retire_after: pulumi.Resource
    remove_on_destroy: bool


class Firewall(pulumi.ComponentResource):
    """Rules as resources; one that is neither ours nor to be retired is reported, never touched."""

    def __init__(
        self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:Firewall", name, None, opts)
        for admitted in (*args.egress, *args.extra):
            FirewallRule(
                # After the address: an address that moves to another node is the same rule.
                f"{name}-{admitted.cidr}",
                network_id=args.network,
                rule=admitted.cidr,
                description=admitted.description,
                opts=pulumi.ResourceOptions(
                    parent=self,
                    retain_on_delete=admitted in args.egress and not args.remove_on_destroy,
                ),
            )
        for cidr in args.retire:
            RetiredRule(
                f"{name}-retired-{cidr}",
                network_id=args.network,
                rule=cidr,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[args.retire_after]),
            )
        known = {*(admitted.cidr for admitted in (*args.egress, *args.extra)), *args.retire}
        firewall_rules(args.network, pulumi.InvokeOutputOptions(parent=self)).apply(
            lambda rules: _report(unmanaged(rules, known))
        )
        self.register_outputs({})


def unmanaged(rules: Sequence[ListedRule], known: set[str]) -> list[ListedRule]:
    """The ingress rules that nobody here asked for."""
    return [rule for rule in rules if rule.kind == "ingress" and rule.rule not in known]


def _report(rules: Sequence[ListedRule]) -> None:
    for rule in rules:
        what = f" ({rule.description})" if rule.description else ""
        pulumi.log.warn(
            f"firewall rule {rule.rule}{what} is not this stack's and is left alone: "
            "list it under firewall.extra or firewall.retire"
        )
