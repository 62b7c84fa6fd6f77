"""The NetworkPolicies of the egress path: what each of its pods may reach, and who may reach it.

NetworkPolicies only ever admit. A destination is denied by admitting nothing that it could be
reached by: TCP goes to the tailnet's own service ranges and to no other address outside, but for
port 53, which no destination may have [settings/egress.py].
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking

from ..values.fields import Endpoint
from .address_ranges import internet_except
from .labels import (
    CLIENT_NAMESPACE_LABELS,
    EGRESS_RESTRICTED_LABELS,
    EXIT_NODE_LABELS,
    GATEWAY_LABELS,
    PROBER_LABELS,
)
from .ports import HEALTH_PORT, HTTP_PORT, PROBER_PORT, SOCKS5_PORT, STATUS_PORT, WIREGUARD_PORT

_DNS_PORT = 53
# Kubernetes' documentation, "Using NodeLocal DNSCache in Kubernetes Clusters".
_NODE_LOCAL_DNS = IPv4Address("169.254.20.10")
_TLS_PORT = 443
# Plain HTTP: tailscaled's captive portal check, and the upgrade of its control connection.
_HTTP_PORT = 80
# Peers behind a fleet node's NAT are reached at the node's address on any port the NAT chose. Not
# below or at 8472 and not from 51820 on: there flannel's VXLAN and WireGuard back-ends listen.
_PEER_PORTS = (8473, 51819)

# Kubernetes puts it on every namespace.
_NAMESPACE_NAME = "kubernetes.io/metadata.name"

_Peer = networking.NetworkPolicyPeerArgs
_Port = networking.NetworkPolicyPortArgs
_Out = networking.NetworkPolicyEgressRuleArgs
_In = networking.NetworkPolicyIngressRuleArgs


@dataclass(frozen=True, kw_only=True)
class ClusterNetwork:
    """The cluster's own addresses: what the internet does not include for an exit node."""

    pods: IPv4Network
    services: IPv4Network
    nodes: tuple[IPv4Address | IPv6Address, ...]
    api_servers: tuple[Endpoint, ...]

    @property
    def api_service(self) -> IPv4Address:
        """The address of the `kubernetes` service: by convention the first of its range."""
        return self.services.network_address + 1


def exit_node_policy(
    pods: Mapping[str, str], cluster: ClusterNetwork
) -> networking.NetworkPolicySpecArgs:
    """Out to the internet, DNS, the API server and the gateways; in from gateways and checks."""
    return _spec(
        pods,
        egress=[
            _Out(to=_internet(cluster)),
            _to_peers(cluster),
            _to_node_resolver(),
            *_to_api_server(cluster),
            _Out(to=[_pods(GATEWAY_LABELS)], ports=[_Port(protocol="UDP")]),
        ],
        ingress=[
            _In(from_=[_pods(GATEWAY_LABELS)], ports=[_port("UDP", WIREGUARD_PORT)]),
            _In(from_=[_pods(EGRESS_RESTRICTED_LABELS)], ports=[_port("TCP", HEALTH_PORT)]),
        ],
    )


def egress_restricted_policy(
    cluster: ClusterNetwork, service_ranges: Iterable[IPv4Network]
) -> networking.NetworkPolicySpecArgs:
    """For gateways and checks: TCP to the tailnet's own services only, UDP to peers and DNS.

    An exit node that is not set, not known or not approved makes tailscaled dial directly: here
    that dial ends.
    """
    ranges = [_range(network) for network in service_ranges]
    return _spec(
        EGRESS_RESTRICTED_LABELS,
        egress=[
            _Out(to=ranges, ports=[_port("TCP", _TLS_PORT), _port("TCP", _HTTP_PORT)]),
            _Out(to=_internet(cluster), ports=[_Port(protocol="UDP")]),
            _to_peers(cluster),
            _Out(to=[_pods(EXIT_NODE_LABELS)], ports=[_Port(protocol="UDP")]),
            _to_node_resolver(),
        ],
        ingress=None,
    )


def gateway_policy(
    local_ports: Sequence[int], *, exit_nodes: int
) -> networking.NetworkPolicySpecArgs:
    """In to the gateways: clients of namespaces that ask for it, checks, and exit nodes.

    `local_ports` are the destinations'. A gateway has a tailscaled for each of so many exit nodes.
    """
    clients = _Peer(namespace_selector=meta.LabelSelectorArgs(match_labels=CLIENT_NAMESPACE_LABELS))
    ports = [*local_ports, HTTP_PORT, SOCKS5_PORT]
    peers = [_port("UDP", WIREGUARD_PORT + index) for index in range(exit_nodes)]
    return _spec(
        GATEWAY_LABELS,
        egress=None,
        ingress=[
            _In(from_=[clients], ports=[_port("TCP", port) for port in ports]),
            _In(
                from_=[_pods(EGRESS_RESTRICTED_LABELS)],
                ports=[_port("TCP", port) for port in (*ports, STATUS_PORT)],
            ),
            _In(from_=[_pods(EXIT_NODE_LABELS)], ports=peers),
        ],
    )


def check_policy(
    pods: Mapping[str, str], cluster: ClusterNetwork, local_ports: Sequence[int]
) -> networking.NetworkPolicySpecArgs:
    """Out from the gate's pods to what they measure, on top of `egress_restricted_policy`."""
    ports = [_port("TCP", port) for port in (*local_ports, HTTP_PORT, SOCKS5_PORT)]
    return _spec(
        pods,
        egress=[
            _Out(to=[_pods(GATEWAY_LABELS)], ports=ports),
            _Out(to=[_pods(EXIT_NODE_LABELS)], ports=[_port("TCP", HEALTH_PORT)]),
            *_to_api_server(cluster),
            _to_dns(cluster),
        ],
        ingress=[],
    )


def operator_policy(
    pods: Mapping[str, str],
    cluster: ClusterNetwork,
    *,
    https: bool = False,
    webhook: int | None = None,
) -> networking.NetworkPolicySpecArgs:
    """Out from a part of the secrets' operator to DNS and the API server.

    With `https` also to Pulumi ESC, which has no fixed addresses: to any address outside the
    cluster. In to the port `webhook` from the API server, which comes by any of its node's
    addresses.
    """
    outside = [_Out(to=_internet(cluster), ports=[_port("TCP", _TLS_PORT)])] if https else []
    return _spec(
        pods,
        egress=[_to_dns(cluster), *_to_api_server(cluster), *outside],
        ingress=None if webhook is None else [_In(ports=[_port("TCP", webhook)])],
    )


def prober_policy(cluster: ClusterNetwork, *, prometheus: str) -> networking.NetworkPolicySpecArgs:
    """Out from the prober to the gateways' proxy and DNS; in from Prometheus' namespace."""
    to_gateways = _Out(to=[_pods(GATEWAY_LABELS)], ports=[_port("TCP", HTTP_PORT)])
    scraped = _In(from_=[_namespace(prometheus)], ports=[_port("TCP", PROBER_PORT)])
    return _spec(PROBER_LABELS, egress=[to_gateways, _to_dns(cluster)], ingress=[scraped])


def probed_policy() -> networking.NetworkPolicySpecArgs:
    """In to the gateways' proxy from the prober."""
    probe = _In(from_=[_pods(PROBER_LABELS)], ports=[_port("TCP", HTTP_PORT)])
    return _spec(GATEWAY_LABELS, egress=None, ingress=[probe])


def scraped_policy(
    pods: Mapping[str, str], *, ports: Sequence[int], prometheus: str
) -> networking.NetworkPolicySpecArgs:
    """In to where pods tell their metrics, from Prometheus' namespace."""
    scrape = _In(from_=[_namespace(prometheus)], ports=[_port("TCP", port) for port in ports])
    return _spec(pods, egress=None, ingress=[scrape])


def _namespace(name: str) -> _Peer:
    return _Peer(namespace_selector=meta.LabelSelectorArgs(match_labels={_NAMESPACE_NAME: name}))


def _spec(
    pods: Mapping[str, str], *, egress: list[_Out] | None, ingress: list[_In] | None
) -> networking.NetworkPolicySpecArgs:
    # An empty `to` or `from` admits everything, where none of what was listed is meant.
    egress = egress and [rule for rule in egress if rule.to != []]
    ingress = ingress and [rule for rule in ingress if rule.from_ != []]
    kinds = [("Ingress", ingress), ("Egress", egress)]
    return networking.NetworkPolicySpecArgs(
        pod_selector=meta.LabelSelectorArgs(match_labels=dict(pods)),
        policy_types=[kind for kind, rules in kinds if rules is not None],
        ingress=ingress,
        egress=egress,
    )


def _internet(cluster: ClusterNetwork) -> list[_Peer]:
    api_servers = (server.address for server in cluster.api_servers)
    own = [cluster.pods, cluster.services, *cluster.nodes, *api_servers]
    return [
        _Peer(ip_block=networking.IPBlockArgs(cidr=cidr, except_=excluded))
        for cidr, excluded in internet_except(own).items()
    ]


def _to_peers(cluster: ClusterNetwork) -> _Out:
    first, last = _PEER_PORTS
    return _Out(
        to=[_host(address) for address in cluster.nodes],
        ports=[_Port(protocol="UDP", port=first, end_port=last)],
    )


def _to_node_resolver() -> _Out:
    """Of a pod with `dnsPolicy: Default`: the node's resolver can be any address.

    It may be a home router, a VPC's or a cloud's link-local one, or the node's own tailscaled.
    """
    return _Out(ports=_dns_ports())


def _to_dns(cluster: ClusterNetwork) -> _Out:
    """Of a pod with the cluster's DNS, whose pods no label is the same for in every cluster.

    NodeLocal DNSCache answers on the node, at an address of its own or at that of the DNS'
    Service, for which there is then no NAT.
    """
    servers = [_namespace("kube-system"), _range(cluster.services), _host(_NODE_LOCAL_DNS)]
    return _Out(to=servers, ports=_dns_ports())


def _dns_ports() -> list[_Port]:
    return [_port("UDP", _DNS_PORT), _port("TCP", _DNS_PORT)]


def _to_api_server(cluster: ClusterNetwork) -> list[_Out]:
    """By the service's address and by the servers' own: plugins judge before or after the NAT."""
    by_port: dict[int, list[_Peer]] = {}
    for server in cluster.api_servers:
        by_port.setdefault(server.port, []).append(_host(server.address))
    return [
        _Out(to=[_host(cluster.api_service)], ports=[_port("TCP", _TLS_PORT)]),
        *(_Out(to=peers, ports=[_port("TCP", port)]) for port, peers in by_port.items()),
    ]


def _pods(labels: Mapping[str, str]) -> _Peer:
    return _Peer(pod_selector=meta.LabelSelectorArgs(match_labels=dict(labels)))


def _range(network: IPv4Network) -> _Peer:
    return _Peer(ip_block=networking.IPBlockArgs(cidr=str(network)))


def _host(address: IPv4Address | IPv6Address) -> _Peer:
    return _Peer(ip_block=networking.IPBlockArgs(cidr=f"{address}/{address.max_prefixlen}"))


def _port(protocol: str, port: int) -> _Port:
    return _Port(protocol=protocol, port=port)
