"""The namespaces of the lab and the cables between them: an internet, and nodes with their NAT."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from workshop.lab.network.link import End, connect
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.node import UPLINK, Node
from workshop.lab.network.plan import (
    CONTROL,
    CRUNCHYBRIDGE,
    FLEET,
    GATE_OF_THE_INTERNET,
    PULUMI,
    RELAY,
    RESOLVER,
    SITES,
    TAILNET_API,
    TAILNET_LOGS,
    NodePlan,
)


@dataclass(kw_only=True)
class Topology:
    """The lab's internet and its nodes by name; nothing in it leads to the machine's network."""

    internet: Namespace
    nodes: dict[str, Node] = field(default_factory=dict)

    def add_node(self, plan: NodePlan) -> Node:
        """A node with its uplink, behind a router of its own where the plan says so."""
        router = None if plan.router is None else Namespace.make(f"router of {plan.name}")
        node = Node(plan=plan, namespace=Namespace.make(plan.name), router=router)
        first = node.namespace if router is None else router
        outside = f"to-{plan.name}"
        connect(
            End(namespace=self.internet, interface=outside, address=GATE_OF_THE_INTERNET),
            End(namespace=first, interface=UPLINK, address=plan.outside),
            mtu=plan.mtu,
        )
        first.ip(f"route add default via {GATE_OF_THE_INTERNET}")
        # The overlay between the nodes' pods, without its wrapping.
        self.internet.ip(f"route add {plan.pods} via {plan.outside}")
        if router is not None:
            _behind(router, node)
        node.prepare()
        self.nodes[plan.name] = node
        return node

    def end(self) -> None:
        """Take everything away."""
        for node in self.nodes.values():
            node.end()
        self.internet.end()


@contextmanager
def laid(plans: Sequence[NodePlan] = FLEET) -> Iterator[Topology]:
    """The topology with these nodes, for as long as the block lasts."""
    topology = Topology(internet=Namespace.make("internet"))
    try:
        topology.internet.sysctl(ipv4__ip_forward=1)
        addresses = [CONTROL, TAILNET_API, TAILNET_LOGS, RELAY, RESOLVER]
        addresses += [site.address for site in (*SITES, CRUNCHYBRIDGE, PULUMI)]
        topology.internet.ip(*(f"addr add {address}/32 dev lo" for address in addresses))
        for plan in plans:
            topology.add_node(plan)
        yield topology
    finally:
        topology.end()


def _behind(router: Namespace, node: Node) -> None:
    """The node in a network of its own, of which the outside sees the router's address only.

    The router passes questions for names on, as a home router does.
    """
    inside, own = node.plan.home, node.plan.resolver
    connect(
        End(namespace=router, interface="inside", address=own),
        End(namespace=node.namespace, interface=UPLINK, address=node.plan.address),
    )
    node.namespace.ip(f"route add default via {own}")
    router.ip(f"route add {node.plan.pods} via {node.plan.address}")
    router.sysctl(ipv4__ip_forward=1)
    router.nft(
        f"""
        table ip oceanid {{
          chain prerouting {{
            type nat hook prerouting priority dstnat
            ip daddr {own} udp dport 53 dnat to {RESOLVER}
            ip daddr {own} tcp dport 53 dnat to {RESOLVER}
          }}
          chain postrouting {{
            type nat hook postrouting priority srcnat
            ip saddr {inside} oifname {UPLINK} masquerade
          }}
        }}
        """
    )
