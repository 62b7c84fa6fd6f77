"""The database's firewall: it admits the exit nodes' addresses and what the settings list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components._crunchybridge import FirewallRule, ListedRule, RetiredRule, firewall_rules


@dataclass(frozen=True, kw_only=True)
class AdmittedRange:
    """A range and why it is admitted."""

    cidr: str
    description: str


@dataclass(frozen=True, kw_only=True)
class FirewallArgs:
    """The rules of one network.

    `egress` are the exit nodes' addresses, `extra` what is admitted beside them; `retire` goes once
    `proven` is done, the gate of the last wave. Unless `remove_on_destroy`, the rules of `egress`
    outlive the stack: destroying it must not close the database to what still runs.
    """

    network: str
    egress: tuple[AdmittedRange, ...]
    extra: tuple[AdmittedRange, ...]
    retire: tuple[str, ...]
    proven: pulumi.Resource
    remove_on_destroy: bool


class Firewall(pulumi.ComponentResource):
    """Rules as resources; one that is neither ours nor to be retired is reported, never touched."""

    def __init__(
        self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:Firewall", name, None, opts)
        for each in (*args.egress, *args.extra):
            FirewallRule(
                # After the address: an address that moves to another node is the same rule.
                f"{name}-{each.cidr}",
                network_id=args.network,
                rule=each.cidr,
                description=each.description,
                opts=pulumi.ResourceOptions(
                    parent=self,
                    retain_on_delete=each in args.egress and not args.remove_on_destroy,
                ),
            )
        for cidr in args.retire:
            RetiredRule(
                f"{name}-retired-{cidr}",
                network_id=args.network,
                rule=cidr,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[args.proven]),
            )
        known = {*(each.cidr for each in (*args.egress, *args.extra)), *args.retire}
        firewall_rules(args.network, pulumi.InvokeOutputOptions(parent=self)).apply(
            lambda rules: _report(unmanaged(rules, known))
        )
        self.register_outputs({})


def unmanaged(rules: Sequence[ListedRule], known: set[str]) -> list[ListedRule]:
    """The ingress rules that nobody here asked for."""
    return [each for each in rules if each.kind == "ingress" and each.rule not in known]


def _report(rules: Sequence[ListedRule]) -> None:
    for each in rules:
        what = f" ({each.description})" if each.description else ""
        pulumi.log.warn(
            f"firewall rule {each.rule}{what} is not this stack's and is left alone: "
            "list it under firewall.extra or firewall.retire"
        )
