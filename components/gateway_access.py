"""How applications reach the gateways, and what gateways may reach: services, names, policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking

from components._envoy import Destination
from components._gateway_pod import HTTP_PORT, SOCKS5_PORT, STATUS_PORT
from components._labels import GATEWAY, GATEWAY_CREDENTIAL, GATEWAY_LABELS, PART_OF
from components._network_policy import ClusterNetwork, fence_policy, gateway_policy
from components._tailscale_pod import credential_data

# k3s' CoreDNS imports every `*.server` key of this ConfigMap (k3s documentation, "CoreDNS custom
# configuration imports").
_DNS_NAMESPACE = "kube-system"
_DNS_CONFIG = "coredns-custom"
_DNS_KEY = "oceanid.server"
_DNS_TTL_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class GatewayAccessArgs:
    """`transparent` names the destinations whose host name leads to the gateway in the cluster."""

    namespace: str
    credential: pulumi.Input[str]
    destinations: tuple[Destination, ...]
    transparent: frozenset[str]
    cluster: ClusterNetwork
    service_ranges: tuple[IPv4Network, ...]
    wireguard_ports: range


class GatewayAccess(pulumi.ComponentResource):
    """The node-local Service, one more for each transparent destination, DNS and the policies."""

    service: pulumi.Output[str]

    def __init__(
        self, name: str, args: GatewayAccessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:GatewayAccess", name, None, opts)
        self._name = name
        self._args = args
        core.Secret(
            f"{name}-credential",
            metadata=self._metadata(GATEWAY_CREDENTIAL),
            data=credential_data(args.credential),
            opts=self._child(),
        )
        ports = {each.name: (each.local_port, each.local_port) for each in args.destinations}
        general = {
            "http-proxy": (HTTP_PORT, HTTP_PORT),
            "socks5": (SOCKS5_PORT, SOCKS5_PORT),
        }
        service = self._service(GATEWAY, {**ports, **general})
        self._transparent()
        self._policies([*(each.local_port for each in args.destinations), HTTP_PORT, SOCKS5_PORT])
        self.service = service.metadata.apply(
            lambda metadata: f"{metadata.name}.{args.namespace}.svc"
        )
        self.register_outputs({"service": self.service})

    def _metadata(self, name: str) -> meta.ObjectMetaArgs:
        return meta.ObjectMetaArgs(
            name=name, namespace=self._args.namespace, labels={PART_OF: "oceanid"}
        )

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _service(self, name: str, ports: Mapping[str, tuple[int, int]]) -> core.Service:
        return core.Service(
            f"{self._name}-{name}",
            metadata=meta.ObjectMetaArgs(
                name=name,
                namespace=self._args.namespace,
                labels={PART_OF: "oceanid"},
                # The engine would wait for an endpoint; the gateways come after this Service, and
                # their own gate measures through it.
                annotations={"pulumi.com/skipAwait": "true"},
            ),
            spec=core.ServiceSpecArgs(
                type="ClusterIP",
                selector=GATEWAY_LABELS,
                # To the caller's own node, or nowhere: a gateway carries its node's traffic.
                internal_traffic_policy="Local",
                ports=[
                    core.ServicePortArgs(name=port_name, port=port, target_port=target)
                    for port_name, (port, target) in ports.items()
                ],
            ),
            opts=self._child(),
        )

    def _transparent(self) -> None:
        blocks: list[pulumi.Output[str]] = []
        for each in self._args.destinations:
            if each.name in self._args.transparent:
                # The port is the destination's own, so the client's URL stays as it is; a Service
                # each, because two destinations may share a port.
                service = self._service(
                    f"to-{each.name}", {each.name: (each.port, each.local_port)}
                )
                # Known once the Service exists and not before: a preview has None for it, and a
                # saved plan would hold the update to that.
                address = pulumi.Output.all(service.id, service.spec.cluster_ip).apply(
                    lambda known: str(known[1])
                )
                blocks.append(pulumi.Output.all(each.host, address).apply(_server_block))
        if blocks:
            core.ConfigMap(
                f"{self._name}-dns",
                metadata=meta.ObjectMetaArgs(name=_DNS_CONFIG, namespace=_DNS_NAMESPACE),
                data={_DNS_KEY: pulumi.Output.all(*blocks).apply("".join)},
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )

    def _policies(self, ports: list[int]) -> None:
        specs = {
            "fence": fence_policy(self._args.cluster, self._args.service_ranges),
            "clients": gateway_policy(
                ports, status_port=STATUS_PORT, wireguard_ports=self._args.wireguard_ports
            ),
        }
        for suffix, spec in specs.items():
            networking.NetworkPolicy(
                f"{self._name}-{suffix}",
                metadata=self._metadata(f"{GATEWAY}-{suffix}"),
                spec=spec,
                opts=self._child(),
            )


def _server_block(known: list[str]) -> str:
    host, address = known
    return dns_server_block(host, address)


def dns_server_block(host: str, address: str) -> str:
    """A CoreDNS server block that answers `host`, and every name under it, with `address`.

    No AAAA record: an answer without one sends clients to the IPv4 address at once.
    """
    return (
        f"{host}:53 {{\n"
        "    errors\n"
        f"    template IN A {{\n"
        f'        answer "{{{{ .Name }}}} {_DNS_TTL_SECONDS} IN A {address}"\n'
        "    }\n"
        "    template IN ANY {\n"
        "        rcode NOERROR\n"
        "    }\n"
        "}\n"
    )
