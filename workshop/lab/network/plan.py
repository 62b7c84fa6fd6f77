"""Who is where in the lab's network, of which nothing leads to this machine's.

The nodes' addresses are the operators' (documents of 12 and 13 October 2025); those of servers and
routers outside are RFC 5737's, which nobody has, and one of Tailscale's own range.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

PODS = IPv4Network("10.42.0.0/16")
SERVICES = IPv4Network("10.43.0.0/16")
API_PORT = 6443
# k3s' own choice for its cluster DNS.
CLUSTER_DNS = IPv4Address("10.43.0.10")
API_SERVICE = IPv4Address("10.43.0.1")

TAILNET_SERVICES = IPv4Network("192.200.0.0/24")
CONTROL = IPv4Address("192.200.0.10")
TAILNET_API = IPv4Address("192.200.0.11")
TAILNET_LOGS = IPv4Address("192.200.0.12")
RELAY = IPv4Address("192.200.0.20")
RESOLVER = IPv4Address("198.51.100.53")
GATE_OF_THE_INTERNET = IPv4Address("203.0.113.1")


@dataclass(frozen=True, kw_only=True)
class Site:
    """A server outside the cluster that the fleet sends traffic to."""

    name: str
    host: str
    address: IPv4Address


DATABASE = Site(
    name="database",
    host="p.oceanid.db.postgresbridge.com",
    address=IPv4Address("198.51.100.32"),
)
S3 = Site(name="s3", host="s3.us-east-2.amazonaws.com", address=IPv4Address("198.51.100.43"))
ECHO = Site(name="echo", host="ipinfo.io", address=IPv4Address("198.51.100.80"))
CRUNCHYBRIDGE = Site(
    name="crunchybridge", host="api.crunchybridge.com", address=IPv4Address("198.51.100.60")
)
PULUMI = Site(name="pulumi", host="api.pulumi.com", address=IPv4Address("198.51.100.61"))
SITES = (DATABASE, S3, ECHO)
"""Those that the fleet may reach through an exit node only."""

NAMES: dict[str, IPv4Address] = {
    **{site.host: site.address for site in (*SITES, CRUNCHYBRIDGE, PULUMI)},
    "controlplane.tailscale.com": CONTROL,
    "api.tailscale.com": TAILNET_API,
    "log.tailscale.com": TAILNET_LOGS,
    "relay.tailscale.com": RELAY,
}
"""What the lab's internet resolves; any other name does not exist."""


@dataclass(frozen=True, kw_only=True)
class NodePlan:
    """A node: its own address, its pods' range, and the router it is behind, if it is.

    `router` is that router's address outside; its network is the /24 of the node's address.
    """

    name: str
    address: IPv4Address
    pods: IPv4Network
    router: IPv4Address | None = None
    mtu: int = 1500

    @property
    def outside(self) -> IPv4Address:
        """The address that its own traffic has outside."""
        return self.router or self.address

    @property
    def home(self) -> IPv4Network:
        """The network of a node behind a router, which has the first address in it."""
        return IPv4Network(f"{self.address}/24", strict=False)

    @property
    def resolver(self) -> IPv4Address:
        """What stands in its resolv.conf: its router where it has one, as in a home network."""
        return RESOLVER if self.router is None else self.home[1]


TETHYS = NodePlan(
    name="tethys", address=IPv4Address("157.173.210.123"), pods=IPv4Network("10.42.0.0/24")
)
STYX = NodePlan(name="styx", address=IPv4Address("191.101.1.3"), pods=IPv4Network("10.42.1.0/24"))
CALYPSO = NodePlan(
    name="calypso",
    address=IPv4Address("192.168.2.80"),
    pods=IPv4Network("10.42.2.0/24"),
    router=IPv4Address("203.0.113.30"),
    # A DSL line's (PPPoE, RFC 2516).
    mtu=1492,
)
TRITON = NodePlan(
    name="triton", address=IPv4Address("203.0.113.40"), pods=IPv4Network("10.42.3.0/24")
)
# The machine that docs/runbooks/nodes.md adds.
NAIAD = NodePlan(name="naiad", address=IPv4Address("203.0.113.9"), pods=IPv4Network("10.42.4.0/24"))
FLEET = (TETHYS, STYX, CALYPSO)
JOINING = {plan.name: plan for plan in (NAIAD, TRITON)}
"""The nodes that can join a lab later, by name."""
