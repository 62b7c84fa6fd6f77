"""The database's firewall: what is admitted beside the exit nodes, and what is to go."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from settings.base import SettingGroup, refuse_twice
from settings.fields import CrunchyBridgeId, FirewallRange, refuse

# The shortest prefixes that still mean one network of one owner.
_SHORTEST = {4: 24, 6: 64}


class Admitted(SettingGroup):
    """A range admitted beside the exit nodes; `wide` is the word that it may be wider than /24."""

    cidr: FirewallRange
    description: Annotated[str, Field(min_length=1)]
    wide: bool = False


def _narrow(extra: tuple[Admitted, ...]) -> tuple[Admitted, ...]:
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
        if network.prefixlen < _SHORTEST[network.version] and not each.wide:
            refuse(
                f"it is wider than /{_SHORTEST[network.version]}",
                "list single addresses, or say wide: true beside it",
                key=key,
                value=each.cidr,
            )
    return extra


class Firewall(SettingGroup):
    """The rules of one CrunchyBridge network.

    Every exit node's address is admitted. `retire` lists ranges of old, removed once the last
    wave's gate has passed. `remove_on_destroy` lets a destroy close the database to the fleet.
    """

    network: CrunchyBridgeId
    extra: Annotated[tuple[Admitted, ...], AfterValidator(_narrow)] = ()
    retire: tuple[FirewallRange, ...] = ()
    remove_on_destroy: bool = False

    @model_validator(mode="after")
    def _not_both(self) -> Firewall:
        admitted = {each.cidr for each in self.extra}
        for index, cidr in enumerate(self.retire):
            if cidr in admitted:
                refuse(
                    "both admitted and to be retired",
                    "leave it in one of firewall.extra and firewall.retire",
                    key=f"firewall.retire[{index}]",
                    value=cidr,
                )
        return self
