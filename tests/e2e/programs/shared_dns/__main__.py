"""The gateways' Services and zones, for the transparent hosts in `shared-dns:hosts`.

With `shared-dns:earlier` the ConfigMap is made as the program made it before it shared it.
"""

from ipaddress import IPv4Network

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster.network_policy import ClusterNetwork
from components.egress.destination import Destination
from components.egress.gateway_access import GatewayAccess, GatewayAccessArgs
from components.values.fields import endpoint


def own_whole_config_map(self: GatewayAccess, zones: pulumi.Output[str]) -> None:
    """What stood in components/egress/gateway_access.py."""
    kubernetes.core.v1.ConfigMap(
        f"{self._name}-dns",
        metadata={"name": "coredns-custom", "namespace": "kube-system"},
        data={"oceanid.server": zones},
        opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
    )


config = pulumi.Config()
if config.get_bool("earlier"):
    GatewayAccess._own_dns_key = own_whole_config_map  # type: ignore[method-assign]
hosts = config.require("hosts").split()
destinations = tuple(
    Destination(
        name=f"host-{number}", host=host, port=443, local_port=15443 + number, transparent=True
    )
    for number, host in enumerate(hosts)
)
namespace = kubernetes.core.v1.Namespace("gateways", metadata={"name": "shared-dns"})
GatewayAccess(
    "gateway",
    GatewayAccessArgs(
        namespace="shared-dns",
        credential="none",
        destinations=destinations,
        cluster=ClusterNetwork(
            pods=IPv4Network("10.42.0.0/16"),
            services=IPv4Network("10.43.0.0/16"),
            nodes=(),
            api_servers=(endpoint("157.173.210.123:6443"),),
        ),
        service_ranges=(IPv4Network("192.200.0.0/24"),),
        exit_nodes=1,
    ),
    pulumi.ResourceOptions(depends_on=[namespace]),
)
