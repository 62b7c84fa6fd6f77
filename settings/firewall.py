"""The database's firewall: what is admitted beside the exit nodes, and what is to go."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import (
    IPV4LENGTH,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from settings.base import SettingGroup, refuse_twice
from settings.fields import CrunchyBridgeId, FirewallRange, refuse

# The shortest prefixes that still mean one network of one owner.
_SHORTEST = {4: 24, 6: 64}
_CANNOT_OVERLAP = "CrunchyBridge's rules cannot overlap"


class Admitted(SettingGroup):
    """A range admitted beside the exit nodes, no wider than the rule `firewall-range` admits."""

    cidr: FirewallRange
    description: Annotated[str, Field(min_length=1)]


def overlap(one: str, other: str) -> bool:
    """Whether two ranges have an address in common."""
    first, second = ip_network(one), ip_network(other)
    if isinstance(first, IPv4Network):
        return isinstance(second, IPv4Network) and first.overlaps(second)
    return isinstance(second, IPv6Network) and first.overlaps(second)


def address_range(address: IPv4Address | IPv6Address) -> str:
    """The address as a firewall lists it."""
    return f"{address}/{address.max_prefixlen}"


def _refuse_no_rules_form(cidr: str, key: str) -> None:
    """Refuse a range that no rule of CrunchyBridge can hold."""
    address = ip_network(cidr).network_address
    if isinstance(address, IPv4Address):
        return
    if address.scope_id is not None:
        remedy = f"leave %{address.scope_id} out"
        refuse("it names an interface of one machine", remedy, key=key, value=cidr)
    if address.ipv4_mapped is not None:
        length = ip_network(cidr).prefixlen - address.max_prefixlen + IPV4LENGTH
        remedy = f"write it as {address.ipv4_mapped}/{length}"
        refuse("it is an IPv4 range in IPv6 form", remedy, key=key, value=cidr)


def _narrow(extra: tuple[Admitted, ...]) -> tuple[Admitted, ...]:
    for index, each in enumerate(extra):
        _refuse_no_rules_form(each.cidr, f"firewall.extra[{index}].cidr")
    refuse_twice("firewall.extra", "cidr", [each.cidr for each in extra])
    for index, each in enumerate(extra):
        network = ip_network(each.cidr)
        key = f"firewall.extra[{index}].cidr"
        if network.prefixlen == 0:
            refuse(
                "it admits the whole internet",
                "list the addresses that need the database",
                key=key,
                value=each.cidr,
            )
        if network.prefixlen < _SHORTEST[network.version]:
            refuse(
                f"it is wider than /{_SHORTEST[network.version]}",
                "list single addresses or smaller ranges, as the rule firewall-range asks",
                key=key,
                value=each.cidr,
            )
    return extra


def _old(retire: tuple[FirewallRange, ...]) -> tuple[FirewallRange, ...]:
    for index, cidr in enumerate(retire):
        key = f"firewall.retire[{index}]"
        _refuse_no_rules_form(cidr, key)
        if cidr in retire[:index]:
            refuse("given twice", "each may stand in the list once", key=key, value=cidr)
    return retire


class Firewall(SettingGroup):
    """The rules of one CrunchyBridge network.

    Every exit node's address is admitted. `retire` lists ranges of old, removed once the last
    wave's gate has passed. `remove_on_destroy` lets a destroy close the database to the fleet.
    """

    network: CrunchyBridgeId
    extra: Annotated[tuple[Admitted, ...], AfterValidator(_narrow)] = ()
    retire: Annotated[tuple[FirewallRange, ...], AfterValidator(_old)] = ()
    remove_on_destroy: bool = False

    @model_validator(mode="after")
    def _apart(self) -> Self:
        extra = [each.cidr for each in self.extra]
        for index, cidr in enumerate(extra):
            for earlier, other in enumerate(extra[:index]):
                if overlap(cidr, other):
                    refuse(
                        f"it overlaps firewall.extra[{earlier}] ({other}), and {_CANNOT_OVERLAP}",
                        "keep one of the two",
                        key=f"firewall.extra[{index}].cidr",
                        value=cidr,
                    )
        for index, cidr in enumerate(self.retire):
            key = f"firewall.retire[{index}]"
            for place, other in enumerate(extra):
                if cidr == other:
                    refuse(
                        "both admitted and to be retired",
                        "leave it in one of firewall.extra and firewall.retire",
                        key=key,
                        value=cidr,
                    )
                if overlap(cidr, other):
                    refuse(
                        f"it overlaps firewall.extra[{place}] ({other}), and {_CANNOT_OVERLAP}",
                        "retire it in an update of its own, before the other is admitted",
                        key=key,
                        value=cidr,
                    )
        return self

    def refuse_overlap_with(self, egress: Mapping[str, str]) -> None:
        """Refuse a range that is in the way of an exit node's; `egress` has theirs by their keys.

        An update would find out in its middle: that an address is both admitted and to be retired
        only behind the gate of the last wave.
        """
        for exit_node, address in egress.items():
            _refuse_no_rules_form(address, exit_node)
            held = f"it holds {exit_node} ({address}), and {_CANNOT_OVERLAP}"
            for index, each in enumerate(self.extra):
                key = f"firewall.extra[{index}].cidr"
                if each.cidr == address:
                    rule, remedy = (
                        f"{exit_node} has a rule of its own",
                        "take it out of firewall.extra",
                    )
                    refuse(rule, remedy, key=key, value=each.cidr)
                if overlap(each.cidr, address):
                    remedy = "list ranges that leave that address out"
                    refuse(held, remedy, key=key, value=each.cidr)
            for index, cidr in enumerate(self.retire):
                key = f"firewall.retire[{index}]"
                if cidr == address:
                    rule, remedy = (
                        f"{exit_node} must stay admitted",
                        "take it out of firewall.retire",
                    )
                    refuse(rule, remedy, key=key, value=cidr)
                if overlap(cidr, address):
                    remedy = (
                        "remove that rule with `cb network remove-firewall-rule` before the "
                        "update, and take it out of firewall.retire"
                    )
                    refuse(held, remedy, key=key, value=cidr)
