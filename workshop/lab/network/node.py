"""A node of the lab's fleet: its namespace and its NAT."""

from dataclasses import dataclass
from ipaddress import IPv4Address

from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import PODS, NodePlan

UPLINK = "uplink"


@dataclass(kw_only=True)
class Node:
    """One node; `router` is the namespace of the router it is behind, if it is."""

    plan: NodePlan
    namespace: Namespace
    router: Namespace | None

    @property
    def name(self) -> str:
        """Its name in the cluster."""
        return self.plan.name

    def prepare(self) -> None:
        """Be a router for the pods, whose traffic leaves the cluster with the node's address."""
        self.namespace.sysctl(ipv4__ip_forward=1)
        self.namespace.nft(
            f"""
            table ip oceanid {{
              chain postrouting {{
                type nat hook postrouting priority srcnat
                ip saddr {self.plan.pods} ip daddr != {PODS} oifname {UPLINK} masquerade
              }}
            }}
            """
        )

    def cut_off(self) -> None:
        """Pull the node's cable to the outside."""
        self.namespace.ip(f"link set {UPLINK} down")

    def plug_in(self) -> None:
        """Put the cable back, with the route that the kernel took away with it."""
        self.namespace.ip(f"link set {UPLINK} up")
        self.namespace.ip(f"route replace default via {_next_hop(self)}")

    def end(self) -> None:
        """Take the node away."""
        self.namespace.end()
        if self.router is not None:
            self.router.end()


def _next_hop(node: Node) -> IPv4Address:
    shown = node.namespace.run(["ip", "-o", "-4", "address", "show", "dev", UPLINK])
    return IPv4Address(shown.split(" peer ")[1].split("/")[0])
