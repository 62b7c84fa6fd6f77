"""Address ranges that a pod with access to the internet must still not reach."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

# IANA's special-purpose registries (RFC 6890): private, shared, loopback, link-local with the
# metadata address 169.254.169.254, multicast, reserved; in IPv6 unique local, link-local,
# multicast, and the prefixes under which an IPv4 address can hide (RFC 6052, RFC 3056).
_INTERNAL_4 = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
_INTERNAL_6 = (
    "::/96",
    "64:ff9b::/96",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
)


def internet_except(denied: Iterable[Network | Address]) -> dict[str, list[str]]:
    """`0.0.0.0/0` and `::/0`, each with the ranges to leave out of it, none inside another.

    `denied` are the cluster's own ranges and addresses; the internal ranges are always left out.
    """
    own = [
        IPv6Network(str(network)) if network.version == 6 else IPv4Network(str(network))  # noqa: PLR2004
        for network in denied
    ]
    return {
        "0.0.0.0/0": _collapsed([*map(IPv4Network, _INTERNAL_4), *own], IPv4Network),
        "::/0": _collapsed([*map(IPv6Network, _INTERNAL_6), *own], IPv6Network),
    }


def _collapsed(networks: Iterable[Network], family: type[Network]) -> list[str]:
    # Not collapse_addresses: joining neighbours would hide which range was meant.
    members = sorted({each for each in networks if isinstance(each, family)}, key=_wide_first)
    kept: list[Network] = []
    for network in members:
        if not any(_contains(wider, network) for wider in kept):
            kept.append(network)
    return [str(network) for network in sorted(kept, key=lambda each: int(each.network_address))]


def _wide_first(network: Network) -> tuple[int, int]:
    return network.prefixlen, int(network.network_address)


def _contains(wider: Network, network: Network) -> bool:
    return wider.network_address <= network.network_address and (  # type: ignore[operator]
        network.broadcast_address <= wider.broadcast_address  # type: ignore[operator]
    )
