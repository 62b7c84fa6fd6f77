"""What was seen on the wire: packets to the sites, by whose they are, counted by nftables."""

import json
from dataclasses import dataclass
from ipaddress import IPv4Address

from workshop.lab.network.namespace import Namespace
from workshop.lab.network.node import UPLINK, Node
from workshop.lab.network.plan import PODS, SITES

_SITES = ", ".join(str(site.address) for site in SITES)


@dataclass(frozen=True, kw_only=True)
class Wire:
    """Counters from the moment it is made, in the kernel: nothing that passes is missed.

    On a node's uplink, before its NAT, packets to a site count as the pod's they come from; and in
    the internet, packets to a site count by the address outside they come from. What a site sends
    to itself, such as an ICMP error about a node that is cut off, comes from nobody outside.
    """

    internet: Namespace
    nodes: list[Node]

    @classmethod
    def tap(cls, internet: Namespace, nodes: list[Node]) -> "Wire":
        """Count from now on."""
        wire = cls(internet=internet, nodes=nodes)
        internet.nft(
            f"""
            table ip wire {{}}
            delete table ip wire
            table ip wire {{
              set senders {{ type ipv4_addr; flags dynamic; counter; }}
              chain prerouting {{
                type filter hook prerouting priority raw
                iifname != "lo" ip daddr {{ {_SITES} }} update @senders {{ ip saddr }}
              }}
            }}
            """
        )
        for node in nodes:
            node.namespace.nft(
                f"""
                table ip wire {{}}
                delete table ip wire
                table ip wire {{
                  set pods {{ type ipv4_addr; flags dynamic; counter; }}
                  set tried {{ type ipv4_addr; flags dynamic; counter; }}
                  chain prerouting {{
                    type filter hook prerouting priority raw
                    ip saddr {PODS} ip daddr {{ {_SITES} }} update @tried {{ ip saddr }}
                  }}
                  chain postrouting {{
                    type filter hook postrouting priority srcnat - 10
                    oifname {UPLINK} ip saddr {PODS} ip daddr {{ {_SITES} }} \
                      update @pods {{ ip saddr }}
                  }}
                }}
                """
            )
        return wire

    def from_outside(self) -> dict[IPv4Address, int]:
        """Packets that reached a site, by the sender's address outside."""
        return _counts(self.internet, "senders")

    def from_pods(self) -> dict[IPv4Address, int]:
        """Packets to a site that left a node by its uplink as they were, by the pod's address."""
        return self._of_nodes("pods")

    def tried_by_pods(self) -> dict[IPv4Address, int]:
        """Packets to a site that a pod sent, whether or not its node let them out."""
        return self._of_nodes("tried")

    def _of_nodes(self, name: str) -> dict[IPv4Address, int]:
        found: dict[IPv4Address, int] = {}
        for node in self.nodes:
            found |= _counts(node.namespace, name)
        return found


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Packets that a namespace's own programs send to a TCP port, from the moment it is made."""

    namespace: Namespace

    @classmethod
    def tap(cls, namespace: Namespace, port: int) -> "Sent":
        """Count from now on."""
        namespace.nft(
            f"""
            table ip wire {{}}
            delete table ip wire
            table ip wire {{
              set destinations {{ type ipv4_addr; flags dynamic; counter; }}
              chain output {{
                type filter hook output priority raw
                tcp dport {port} update @destinations {{ ip daddr }}
              }}
            }}
            """
        )
        return cls(namespace=namespace)

    def by_destination(self) -> dict[IPv4Address, int]:
        """How many there were, whether or not a node let them through."""
        return _counts(self.namespace, "destinations")


def _counts(namespace: Namespace, name: str) -> dict[IPv4Address, int]:
    listing = json.loads(namespace.run(["nft", "-j", "list", "set", "ip", "wire", name]))
    (found,) = [each["set"] for each in listing["nftables"] if "set" in each]
    return {
        IPv4Address(each["elem"]["val"]): int(each["elem"]["counter"]["packets"])
        for each in found.get("elem", [])
    }
