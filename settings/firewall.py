"""The database's firewall: what is admitted next to the exit nodes, and what is to go."""

from collections.abc import Mapping
from ipaddress import IPV4LENGTH, IPv4Address, IPv6Address, ip_network
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from components.firewall.admitted_range import AdmittedRange
from components.values.fields import CrunchyBridgeId, FirewallRange, refuse
from components.values.model import StrictModel, refuse_twice

# The shortest prefixes that still mean one network of one owner.
_SHORTEST = {4: 24, 6: 64}
_CANNOT_OVERLAP = "CrunchyBridge's rules cannot overlap"


def _overlap(one: str, other: str) -> bool:
    return ip_network(one).overlaps(ip_network(other))


def address_range(address: IPv4Address | IPv6Address) -> str:
    """The address as a firewall lists it."""
    return f"{address}/{address.max_prefixlen}"


def _refuse_no_rules_form(cidr: str, key: str) -> None:
    """Refuse a range that no rule of CrunchyBridge can hold."""
    network = ip_network(cidr)
    address = network.network_address
    if isinstance(address, IPv4Address):
        return
    if address.scope_id is not None:
        remedy = f"leave %{address.scope_id} out"
        refuse("it names an interface of one machine", remedy, key=key, value=cidr)
    if address.ipv4_mapped is not None:
        length = network.prefixlen - address.max_prefixlen + IPV4LENGTH
        remedy = f"write it as {address.ipv4_mapped}/{length}"
        refuse("it is an IPv4 range in IPv6 form", remedy, key=key, value=cidr)


def _narrow(extra: tuple[AdmittedRange, ...]) -> tuple[AdmittedRange, ...]:
    for index, admitted in enumerate(extra):
        key = f"firewall.extra[{index}].cidr"
        _refuse_no_rules_form(admitted.cidr, key)
        network = ip_network(admitted.cidr)
        shortest = _SHORTEST[network.version]
        if network.prefixlen == 0:
            rule, remedy = (
                "it admits the whole internet",
                "list the addresses that need the database",
            )
            refuse(rule, remedy, key=key, value=admitted.cidr)
        if network.prefixlen < shortest:
            remedy = "list single addresses or smaller ranges, as the rule firewall-range asks"
            refuse(f"it is wider than /{shortest}", remedy, key=key, value=admitted.cidr)
    refuse_twice("firewall.extra", "cidr", [admitted.cidr for admitted in extra])
    return extra


def _old(retire: tuple[FirewallRange, ...]) -> tuple[FirewallRange, ...]:
    for index, cidr in enumerate(retire):
        _refuse_no_rules_form(cidr, f"firewall.retire[{index}]")
    refuse_twice("firewall.retire", "", retire)
    return retire


class FirewallSettings(StrictModel):
    """The rules of one CrunchyBridge network.

    Every exit node's address is admitted. `retire` lists ranges of old, removed once the last
    wave's gate has passed. `remove_on_destroy` lets a destroy close the database to the fleet.
    """

    network: CrunchyBridgeId
    extra: Annotated[tuple[AdmittedRange, ...], AfterValidator(_narrow)] = ()
    retire: Annotated[tuple[FirewallRange, ...], AfterValidator(_old)] = ()
    remove_on_destroy: bool = False

    @model_validator(mode="after")
    def _apart(self) -> Self:
        extra = {f"firewall.extra[{at}]": each.cidr for at, each in enumerate(self.extra)}
        for index, (place, cidr) in enumerate(extra.items()):
            for earlier, other in list(extra.items())[:index]:
                if _overlap(cidr, other):
                    rule = f"it overlaps {earlier} ({other}), and {_CANNOT_OVERLAP}"
                    refuse(rule, "keep one of the two", key=f"{place}.cidr", value=cidr)
        for index, cidr in enumerate(self.retire):
            key = f"firewall.retire[{index}]"
            for place, other in extra.items():
                if cidr == other:
                    remedy = "leave it in one of firewall.extra and firewall.retire"
                    refuse("both admitted and to be retired", remedy, key=key, value=cidr)
                if _overlap(cidr, other):
                    rule = f"it overlaps {place} ({other}), and {_CANNOT_OVERLAP}"
                    remedy = "retire it in an update of its own, before the other is admitted"
                    refuse(rule, remedy, key=key, value=cidr)
        return self

    def refuse_overlap_with(self, egress: Mapping[str, str]) -> None:
        """Refuse a range that is in the way of an exit node's; `egress` has these by their keys.

        An update would find out in its middle: that an address is both admitted and to be retired
        only behind the gate of the last wave.
        """
        extra = (
            {f"firewall.extra[{at}].cidr": each.cidr for at, each in enumerate(self.extra)},
            "has a rule of its own",
            "list ranges that leave that address out",
        )
        retire = (
            {f"firewall.retire[{at}]": cidr for at, cidr in enumerate(self.retire)},
            "must stay admitted",
            (
                "remove that rule with `cb network remove-firewall-rule` before the update, and "
                "take it out of firewall.retire"
            ),
        )
        for exit_node, address in egress.items():
            _refuse_no_rules_form(address, exit_node)
            for ranges, rule, remedy in (extra, retire):
                for key, cidr in ranges.items():
                    if cidr == address:
                        listed = key.partition("[")[0]
                        refuse(
                            f"{exit_node} {rule}", f"take it out of {listed}", key=key, value=cidr
                        )
                    if _overlap(cidr, address):
                        holds = f"it holds {exit_node} ({address}), and {_CANNOT_OVERLAP}"
                        refuse(holds, remedy, key=key, value=cidr)
