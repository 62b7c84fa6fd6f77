"""A cable between two namespaces."""

from dataclasses import dataclass
from ipaddress import IPv4Address

from workshop.lab.network.namespace import Namespace


@dataclass(frozen=True, kw_only=True)
class End:
    """One end of a cable: the interface's name and address in a namespace."""

    namespace: Namespace
    interface: str
    address: IPv4Address


def connect(one: End, other: End, *, mtu: int = 1500) -> None:
    """Lay a veth pair; each end has a route to the other's address, and to nothing else."""
    one.namespace.ip(
        f"link add {one.interface} mtu {mtu} type veth"
        f" peer name {other.interface} mtu {mtu} netns {other.namespace.path}"
    )
    for here, there in ((one, other), (other, one)):
        here.namespace.ip(
            # No link-local IPv6: its neighbour discovery would be noise on the wire.
            f"link set {here.interface} addrgenmode none",
            f"addr add {here.address}/32 peer {there.address} dev {here.interface}",
            f"link set {here.interface} up",
        )
