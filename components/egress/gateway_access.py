"""How applications reach the gateways, and what gateways may reach: services, names, policies."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking

from ..cluster.labels import (
    DNS_CONFIG,
    DNS_KEY,
    DNS_NAMESPACE,
    GATEWAY,
    GATEWAY_CREDENTIAL,
    GATEWAY_LABELS,
    OWN_KEY_ANNOTATIONS,
    PART_OF,
)
from ..cluster.network_policy import ClusterNetwork, egress_restricted_policy, gateway_policy
from ..cluster.ports import HTTP_PORT, SOCKS5_PORT
from .destination import Destination
from .tailscale_pod import credential_data

_DNS_TTL_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class GatewayAccessArgs:
    """What gateways share: the credential, and what they carry to where.

    The first transparent destination of a host gives the host's Service its name. A gateway has a
    tailscaled for each of so many `exit_nodes`.
    """

    namespace: str
    credential: pulumi.Input[str]
    destinations: tuple[Destination, ...]
    cluster: ClusterNetwork
    service_ranges: tuple[IPv4Network, ...]
    exit_nodes: int


class GatewayAccess(pulumi.ComponentResource):
    """The node-local Service, one more for each transparent host, DNS and the policies."""

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
        ports = {
            destination.name: (destination.local_port, destination.local_port)
            for destination in args.destinations
        }
        general = {"http-proxy": (HTTP_PORT, HTTP_PORT), "socks5": (SOCKS5_PORT, SOCKS5_PORT)}
        service = self._service(GATEWAY, ports | general)
        self._transparent()
        self._policies()
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
        hosts: dict[str, list[Destination]] = {}
        for destination in self._args.destinations:
            if destination.transparent:
                hosts.setdefault(destination.host, []).append(destination)
        blocks: list[pulumi.Output[str]] = []
        for host, destinations in hosts.items():
            # The ports are the destinations' own, so the client's URL stays as it is. DNS knows no
            # ports: one Service a host, and another for each host, because two may share a port.
            service = self._service(
                f"to-{destinations[0].name}",
                {
                    destination.name: (destination.port, destination.local_port)
                    for destination in destinations
                },
            )
            # Known once the Service exists and not before: a preview has None for it, and a saved
            # plan would hold the update to that.
            address = pulumi.Output.all(service.id, service.spec.cluster_ip).apply(
                lambda known: str(known[1])
            )
            blocks.append(
                pulumi.Output.all(host, address).apply(lambda known: dns_server_block(*known))
            )
        if blocks:
            self._own_dns_key(pulumi.Output.all(*blocks).apply("".join))

    def _own_dns_key(self, zones: pulumi.Output[str]) -> None:
        """Own one key of a ConfigMap that others write to as well, by server-side apply.

        A destroy takes the key away and leaves the ConfigMap with the keys of others.
        """
        core.ConfigMapPatch(
            f"{self._name}-dns",
            metadata=meta.ObjectMetaPatchArgs(
                name=DNS_CONFIG, namespace=DNS_NAMESPACE, annotations=OWN_KEY_ANNOTATIONS
            ),
            data={DNS_KEY: zones},
            opts=pulumi.ResourceOptions(
                parent=self,
                # What earlier versions of the program made: a ConfigMap of which the stack owned
                # everything. Without the alias the engine would delete it, and every key with it.
                aliases=[pulumi.Alias(type_="kubernetes:core/v1:ConfigMap")],
            ),
        )

    def _policies(self) -> None:
        args = self._args
        local_ports = [destination.local_port for destination in args.destinations]
        specs = {
            "fence": egress_restricted_policy(args.cluster, args.service_ranges),
            "clients": gateway_policy(local_ports, exit_nodes=args.exit_nodes),
        }
        for suffix, spec in specs.items():
            networking.NetworkPolicy(
                f"{self._name}-{suffix}",
                metadata=self._metadata(f"{GATEWAY}-{suffix}"),
                spec=spec,
                opts=self._child(),
            )


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
