"""The NetworkPolicy that keeps an exit node from being a way into the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking

from components._address_ranges import internet_except

_DNS_PORT = 53
# Peers behind a fleet node's NAT are reached at the node's address on any port the NAT chose. Not
# below or at 8472 and not from 51820 on: there flannel's VXLAN and WireGuard back-ends listen.
_PEER_PORTS = (8473, 51819)


@dataclass(frozen=True, kw_only=True)
class ClusterNetwork:
    """The cluster's own addresses: what the internet does not include for an exit node."""

    pods: IPv4Network
    services: IPv4Network
    nodes: tuple[IPv4Address | IPv6Address, ...]
    api_server: IPv4Address | IPv6Address
    api_server_port: int

    @property
    def api_service(self) -> IPv4Address:
        """The address of the `kubernetes` service: by convention the first of its range."""
        return self.services.network_address + 1


def exit_node_policy(
    pods: dict[str, str], cluster: ClusterNetwork
) -> networking.NetworkPolicySpecArgs:
    """Out to the internet, to DNS and to the API server, for the pods with these labels.

    Nothing comes in: answers to what the pod sent need no rule, and the kubelet's probes none.
    """
    peers = [
        networking.NetworkPolicyPeerArgs(
            ip_block=networking.IPBlockArgs(cidr=cidr, except_=excluded)
        )
        for cidr, excluded in internet_except(
            [cluster.pods, cluster.services, *cluster.nodes, cluster.api_server]
        ).items()
    ]
    nodes = [_host(address) for address in cluster.nodes]
    first, last = _PEER_PORTS
    return networking.NetworkPolicySpecArgs(
        pod_selector=meta.LabelSelectorArgs(match_labels=pods),
        policy_types=["Ingress", "Egress"],
        ingress=[],
        egress=[
            networking.NetworkPolicyEgressRuleArgs(to=peers),
            networking.NetworkPolicyEgressRuleArgs(
                to=nodes,
                ports=[networking.NetworkPolicyPortArgs(protocol="UDP", port=first, end_port=last)],
            ),
            networking.NetworkPolicyEgressRuleArgs(
                ports=[_port("UDP", _DNS_PORT), _port("TCP", _DNS_PORT)],
                to=[_name_servers()],
            ),
            networking.NetworkPolicyEgressRuleArgs(
                to=[_host(cluster.api_service)], ports=[_port("TCP", 443)]
            ),
            networking.NetworkPolicyEgressRuleArgs(
                to=[_host(cluster.api_server)], ports=[_port("TCP", cluster.api_server_port)]
            ),
        ],
    )


def _name_servers() -> networking.NetworkPolicyPeerArgs:
    return networking.NetworkPolicyPeerArgs(
        namespace_selector=meta.LabelSelectorArgs(
            match_labels={"kubernetes.io/metadata.name": "kube-system"}
        ),
        pod_selector=meta.LabelSelectorArgs(match_labels={"k8s-app": "kube-dns"}),
    )


def _host(address: IPv4Address | IPv6Address) -> networking.NetworkPolicyPeerArgs:
    cidr = f"{address}/{address.max_prefixlen}"
    return networking.NetworkPolicyPeerArgs(ip_block=networking.IPBlockArgs(cidr=cidr))


def _port(protocol: str, port: int) -> networking.NetworkPolicyPortArgs:
    return networking.NetworkPolicyPortArgs(protocol=protocol, port=port)
