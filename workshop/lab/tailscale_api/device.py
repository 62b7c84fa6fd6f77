"""A device of the tailnet, and the names and addresses it gets."""

import hashlib
import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from workshop.lab.refusal import Refusal
from workshop.lab.tailscale_api.moment import rfc3339

# Tailscale's ranges: RFC 6598's shared space, less what Tailscale reserves in it, and a ULA.
_IPV4 = ipaddress.ip_network("100.64.0.0/10")
_RESERVED = (
    ipaddress.ip_network("100.100.0.0/24"),
    ipaddress.ip_network("100.100.100.0/24"),
    ipaddress.ip_network("100.115.92.0/23"),
)
_IPV6_PREFIX = int(ipaddress.ip_address("fd7a:115c:a1e0::"))
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_KEY_LIFE_SECONDS = 180 * 86_400  # The default key expiry of a tailnet: 180 days.


@dataclass
class Device:
    """A registered device. `note` is the lab's own: where the device comes from."""

    id: str
    node_id: str
    identity_hash: str
    hostname: str
    name: str
    addresses: list[str]
    tags: list[str]
    ephemeral: bool
    authorized: bool
    created: float
    key_expiry_disabled: bool
    advertised_routes: list[str] = field(default_factory=list)
    enabled_routes: list[str] = field(default_factory=list)
    online: bool = True
    last_seen: float = 0.0
    note: dict[str, str] = field(default_factory=dict)

    def answer(self, *, all_fields: bool = False) -> dict[str, Any]:
        """The body the API sends; `all_fields` adds what `?fields=all` adds."""
        body: dict[str, Any] = {
            "id": self.id,
            "nodeId": self.node_id,
            "name": self.name,
            "hostname": self.hostname,
            "addresses": self.addresses,
            "user": "stand-in@example.com",
            "tags": self.tags,
            "authorized": self.authorized,
            "isEphemeral": self.ephemeral,
            "isExternal": False,
            "keyExpiryDisabled": self.key_expiry_disabled,
            "blocksIncomingConnections": False,
            "clientVersion": "1.102.3-stand-in",
            "connectedToControl": self.online,
            "created": rfc3339(self.created),
            "expires": rfc3339(self.created + _KEY_LIFE_SECONDS),
            "machineKey": f"mkey:{self.identity_hash}",
            "nodeKey": f"nodekey:{self.identity_hash}",
            "os": "linux",
            "tailnetLockError": "",
            "tailnetLockKey": "",
            "updateAvailable": False,
        }
        if not self.online:
            body["lastSeen"] = rfc3339(self.last_seen)
        if all_fields:
            body |= {
                "advertisedRoutes": self.advertised_routes,
                "enabledRoutes": self.enabled_routes,
                "sshEnabled": False,
            }
        return body

    def routes(self) -> dict[str, list[str]]:
        return {"advertisedRoutes": self.advertised_routes, "enabledRoutes": self.enabled_routes}

    def has(self, attribute: str, wanted: Collection[str]) -> bool:
        """Whether a filter of the device list holds, as `?hostname=a` or `?tags=tag:a&tags=tag:b`.

        Raises Refusal 400 for an unknown attribute.
        """
        body = self.answer(all_fields=True)
        if attribute not in body:
            raise Refusal(400, f"unknown filter {attribute!r}")
        value = body[attribute]
        if isinstance(value, list):
            return set(wanted) <= set(value)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return text in wanted


def check_hostname(hostname: str) -> str:
    """The hostname, which must be a DNS label (RFC 1123); raises Refusal 400."""
    if not _LABEL.fullmatch(hostname):
        raise Refusal(
            400, f"hostname {hostname[:80]!r} is not a DNS label: a-z, 0-9 and '-', at most 63"
        )
    return hostname


def check_routes(routes: list[str]) -> list[str]:
    """The routes, each a network in CIDR form without host bits; raises Refusal 400."""
    for route in routes:
        try:
            ipaddress.ip_network(route)
        except ValueError:
            raise Refusal(400, f"route {route!r} is not a network in CIDR form") from None
    return routes


def free_name(hostname: str, suffix: str, taken: Collection[str]) -> str:
    """The MagicDNS name: the hostname, with `-1`, `-2`, … where another device has it."""
    name, number = f"{hostname}.{suffix}", 0
    while name in taken:
        number += 1
        name = f"{hostname}-{number}.{suffix}"
    return name


def free_addresses(node_id: str, taken: Collection[str]) -> list[str]:
    """An IPv4 and an IPv6 address that depend on the node's id, and on nothing else if free."""
    start = int.from_bytes(hashlib.sha256(node_id.encode()).digest()[:8], "big")
    for step in range(_IPV4.num_addresses):
        offset = (start + step) % _IPV4.num_addresses
        address = _IPV4[offset]
        usable = 0 < offset < _IPV4.num_addresses - 1
        if usable and str(address) not in taken and not any(address in n for n in _RESERVED):
            return [str(address), str(ipaddress.IPv6Address(_IPV6_PREFIX | offset))]
    raise Refusal(500, "the tailnet has no address left")
