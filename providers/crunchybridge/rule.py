"""A firewall rule as the API has it, and the form of its parts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Network, ip_network
from typing import Any, Self

KINDS = ("ingress", "egress")
# CrunchyBridge's EID: 128 bits in lower-case base32 without padding, so the last of the 26
# characters holds three bits only.
_EID = re.compile(r"[a-z2-7]{25}[aeimquy4]")
_CIDR = re.compile(r"[0-9a-fA-F.:]+(/[0-9]{1,3})?")


@dataclass(frozen=True, kw_only=True)
class FirewallRule:
    """One rule of a network. `cidr` is normal: see `normal_cidr`."""

    id: str
    network_id: str
    team_id: str
    cidr: str
    kind: str
    description: str | None

    @classmethod
    def of(cls, document: Mapping[str, Any], network_id: str) -> Self:
        """The rule of a response; raises KeyError, TypeError or ValueError if it is not one."""
        return cls(
            id=str(document["id"]),
            network_id=str(document.get("network_id") or network_id),
            team_id=str(document.get("team_id") or ""),
            cidr=normal_cidr(str(document["rule"])),
            # The API's older responses have no kind; all rules admitted then.
            kind=str(document.get("kind") or KINDS[0]),
            description=document.get("description") or None,
        )

    def overlaps(self, cidr: str) -> bool:
        return ip_network(self.cidr).overlaps(ip_network(cidr))

    def __str__(self) -> str:
        about = f" {self.description!r}" if self.description else ""
        return f"{self.network_id}/{self.id} ({self.kind} {self.cidr}{about})"


def is_eid(text: str) -> bool:
    return _EID.fullmatch(text) is not None


def normal_cidr(text: str) -> str:
    """`text` in the one form that is compared and sent: no host bits, short IPv6, /32 or /128.

    Raises ValueError with the reason when it is not an address range.
    """
    # ip_network also takes netmasks and zones, which no rule of the API can hold.
    if not _CIDR.fullmatch(text):
        raise ValueError(f"{text!r} is not an IPv4 or IPv6 address, alone or with /prefix")
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"{text!r} is not an address range: write it as 192.0.2.7/32 or 2001:db8::/64"
        ) from None
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise ValueError(f"{text!r} is an IPv4 address in IPv6's clothes: write it as IPv4")
    return str(network)


def resource_id(rule: FirewallRule) -> str:
    """The id a resource has, and that an import asks for: `network id/rule id`."""
    return f"{rule.network_id}/{rule.id}"


def split_resource_id(text: str) -> tuple[str, str]:
    """Network id and rule id; raises ValueError when the text is not two ids."""
    network_id, _, rule_id = text.partition("/")
    if not is_eid(network_id) or not is_eid(rule_id):
        raise ValueError(
            f"{text!r} is not an id of a firewall rule: it has the form NETWORK_ID/RULE_ID, "
            "each 26 letters and digits as `cb network list-firewall-rules` shows them"
        )
    return network_id, rule_id
