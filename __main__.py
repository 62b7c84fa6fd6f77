"""Wires the stack: settings, providers, components, outputs."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes
import pulumi_tailscale

from components.exit_node import ClusterNetwork, ExitNode, ExitNodeArgs
from components.namespace import RestrictedNamespace, RestrictedNamespaceArgs
from components.tailnet import ApprovedExitNode, ApprovedExitNodeArgs, Tailnet, TailnetArgs
from settings import CredentialKind, PolicyFile, load

NAMESPACE = "oceanid-egress"
EXIT_TAG = "tag:oceanid-exit"
GATEWAY_TAG = "tag:oceanid-gateway"

settings = load()

cluster = pulumi_kubernetes.Provider(
    "cluster",
    context=settings.cluster.context,
    # The cluster's identity, so that a moved or renewed kubeconfig does not replace everything.
    cluster_identifier=settings.cluster.identifier,
)
tailnet_api = pulumi_tailscale.Provider("tailnet-api")
in_cluster = pulumi.ResourceOptions(providers=[cluster])
in_tailnet = pulumi.ResourceOptions(providers=[tailnet_api])

tailnet = Tailnet(
    "tailnet",
    TailnetArgs(
        stack=pulumi.get_stack(),
        exit_tag=EXIT_TAG,
        gateway_tag=GATEWAY_TAG,
        oauth_client=settings.tailnet.credential is CredentialKind.OAUTH_CLIENT,
        owns_policy_file=settings.tailnet.policy_file is PolicyFile.OWNED,
    ),
    in_tailnet,
)
egress = RestrictedNamespace("egress", RestrictedNamespaceArgs(name=NAMESPACE), in_cluster)

network = ClusterNetwork(
    pods=settings.cluster.pod_cidr,
    services=settings.cluster.service_cidr,
    nodes=tuple(node.address for node in settings.nodes),
    api_server=settings.cluster.api_server.address,
    api_server_port=settings.cluster.api_server.port,
)

exit_nodes = {}
for each in settings.exit_nodes:
    exit_node = ExitNode(
        f"exit-{each.node}",
        ExitNodeArgs(
            namespace=NAMESPACE,
            hostname=each.hostname,
            node=settings.node(each.node).hostname,
            image=settings.tailnet.image,
            tag=EXIT_TAG,
            credential=tailnet.exit_credential,
            cluster=network,
        ),
        pulumi.ResourceOptions(providers=[cluster], depends_on=[egress]),
    )
    approved = ApprovedExitNode(
        f"exit-{each.node}-device",
        ApprovedExitNodeArgs(hostname=each.hostname, registered=exit_node),
        in_tailnet,
    )
    exit_nodes[each.node] = {
        "hostname": each.hostname,
        "egressAddress": str(each.egress_address),
        "tailnetAddress": approved.tailnet_address,
        "deviceId": approved.device_id,
    }

pulumi.export("exitNodes", exit_nodes)
pulumi.export("egressAddresses", [str(each.egress_address) for each in settings.exit_nodes])
pulumi.export("tailnetPolicy", tailnet.policy)
