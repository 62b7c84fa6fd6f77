"""A node of the lab's fleet: its namespace, its NAT, its services, and its pods' cables."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from workshop.lab.network.link import End, connect
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import PODS, SERVICES, NodePlan

UPLINK = "uplink"
# A port of a service, and where it leads.
Endpoint = tuple[IPv4Address, int]


@dataclass(kw_only=True)
class PodSandbox:
    """A pod's network: a namespace behind its node."""

    name: str
    node: "Node"
    namespace: Namespace
    address: IPv4Address
    interface: str

    def end(self) -> None:
        """Take it away."""
        self.namespace.end()


@dataclass(kw_only=True)
class Node:
    """One node; `router` is the namespace of the router it is behind, if it is."""

    plan: NodePlan
    namespace: Namespace
    router: Namespace | None
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(2))

    @property
    def name(self) -> str:
        """Its name in the cluster."""
        return self.plan.name

    def prepare(self) -> None:
        """Be a router for the pods, with the NAT and the service table that k3s would make.

        What belongs to no known connection is dropped, as kube-proxy does (KUBE-FORWARD): the
        kernel does not masquerade it, so that it would leave with the pod's own address.
        """
        self.namespace.sysctl(ipv4__ip_forward=1)
        self.namespace.nft(
            f"""
            table ip oceanid {{
              map tcp_services {{
                type ipv4_addr . inet_service : ipv4_addr . inet_service
              }}
              map udp_services {{
                type ipv4_addr . inet_service : ipv4_addr . inet_service
              }}
              chain prerouting {{
                type nat hook prerouting priority dstnat
                dnat ip to ip daddr . tcp dport map @tcp_services
                dnat ip to ip daddr . udp dport map @udp_services
              }}
              chain output {{
                type nat hook output priority -100
                dnat ip to ip daddr . tcp dport map @tcp_services
                dnat ip to ip daddr . udp dport map @udp_services
              }}
              chain forward {{
                type filter hook forward priority filter + 10
                ct state invalid drop
                ip daddr {SERVICES} ip protocol tcp reject with tcp reset
                ip daddr {SERVICES} reject
              }}
              chain postrouting {{
                type nat hook postrouting priority srcnat
                ip saddr {self.plan.pods} ip daddr != {PODS} oifname {UPLINK} masquerade
              }}
            }}
            """
        )

    def set_services(
        self, tcp: Mapping[Endpoint, Endpoint], udp: Mapping[Endpoint, Endpoint]
    ) -> None:
        """Where the services' ports lead from this node: all of them, in one step."""
        script = ""
        for name, table in (("tcp_services", tcp), ("udp_services", udp)):
            script += f"flush map ip oceanid {name}\n"
            if table:
                elements = ", ".join(
                    f"{address} . {port} : {target} . {target_port}"
                    for (address, port), (target, target_port) in table.items()
                )
                script += f"add element ip oceanid {name} {{ {elements} }}\n"
        self.namespace.nft(script)

    def add_pod(self, name: str) -> PodSandbox:
        """A namespace with an address of the node's range, and the node as its only way out."""
        number = next(self._numbers)
        namespace = Namespace.make(f"{self.name}/{name}")
        address = self.plan.pods[number]
        interface = f"pod{number}"
        gateway = self.plan.pods[1]
        connect(
            End(namespace=self.namespace, interface=interface, address=gateway),
            End(namespace=namespace, interface="eth0", address=address),
        )
        namespace.ip(f"route add default via {gateway}")
        return PodSandbox(
            name=name, node=self, namespace=namespace, address=address, interface=interface
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
