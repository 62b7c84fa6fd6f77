"""Wires the stack: settings, providers, components, outputs."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes
import pulumi_tailscale

from components.admission import AdmissionPolicies
from components.egress_check import EgressCheck, EgressCheckArgs, MeasuredDestination
from components.exit_node import ClusterNetwork, ExitNode, ExitNodeArgs
from components.external_secrets import ExternalSecrets, ExternalSecretsArgs, Store, SyncedSecret
from components.firewall import AdmittedRange, Firewall, FirewallArgs
from components.fleet_nodes import FleetNodes, FleetNodesArgs
from components.gateway_access import GatewayAccess, GatewayAccessArgs
from components.monitoring import GROUP as MONITORING_GROUP
from components.monitoring import Monitoring, MonitoringArgs, SecretsWatch
from components.namespace import RestrictedNamespace, RestrictedNamespaceArgs
from components.preflight import require_fit
from components.secrets_operator import ChartSource, SecretsOperator, SecretsOperatorArgs
from components.tailnet import ApprovedExitNode, ApprovedExitNodeArgs, Tailnet, TailnetArgs
from components.worker_egress import (
    Destination,
    GatewayExitNode,
    GatewayPod,
    GatewayWave,
    GatewayWaveArgs,
    wireguard_ports,
)
from settings import CredentialKind, OnFailure, PolicyFile, document, esc_access, load, watches

NAMESPACE = "oceanid-egress"
SECRETS_NAMESPACE = "external-secrets-system"
EXIT_TAG = "tag:oceanid-exit"
GATEWAY_TAG = "tag:oceanid-gateway"

settings = load()
served = require_fit(document(settings), stop=settings.preflight.on_failure is OnFailure.STOP)

# --- providers -----------------------------------------------------------------------------------

cluster = pulumi_kubernetes.Provider(
    "cluster",
    context=settings.cluster.context,
    # The cluster's identity, so that a moved or renewed kubeconfig does not replace everything.
    cluster_identifier=settings.cluster.identifier,
    # A Secret that changes is never away in between: what reads it would fail meanwhile.
    enable_secret_mutable=True,
)
tailnet_api = pulumi_tailscale.Provider("tailnet-api")
in_tailnet = pulumi.ResourceOptions(providers=[tailnet_api])


def in_cluster(*depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
    """Options of a component whose resources live in the cluster."""
    return pulumi.ResourceOptions(providers=[cluster], depends_on=list(depends_on))


FleetNodes(
    "fleet",
    FleetNodesArgs(labels={node.hostname: node.labels for node in settings.nodes}),
    in_cluster(),
)

# --- tailnet and exit nodes ----------------------------------------------------------------------

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
# First of all: what the policies forbid is then refused to everybody, this stack included.
admission = AdmissionPolicies("admission", in_cluster())
egress = RestrictedNamespace(
    "egress", RestrictedNamespaceArgs(name=NAMESPACE), in_cluster(admission)
)

network = ClusterNetwork(
    pods=settings.cluster.pod_cidr,
    services=settings.cluster.service_cidr,
    nodes=tuple(node.address for node in settings.nodes),
    api_server=settings.cluster.api_server.address,
    api_server_port=settings.cluster.api_server.port,
)

exit_nodes = {}
gateway_exit_nodes = []
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
        in_cluster(egress),
    )
    approved = ApprovedExitNode(
        f"exit-{each.node}-device",
        ApprovedExitNodeArgs(hostname=exit_node.hostname),
        in_tailnet,
    )
    gateway_exit_nodes.append(
        GatewayExitNode(name=each.node, tailnet_address=approved.tailnet_address)
    )
    exit_nodes[each.node] = {
        "hostname": each.hostname,
        "egressAddress": str(each.egress_address),
        "tailnetAddress": approved.tailnet_address,
        "deviceId": approved.device_id,
    }

# --- worker gateways, wave after wave ------------------------------------------------------------

destinations = tuple(
    Destination(name=each.name, host=each.host, port=each.port, local_port=each.local_port)
    for each in settings.egress.destinations
)
# Where a component's type has the very fields of the settings', they go over as they are.
measured = tuple(
    MeasuredDestination(**each.model_dump(mode="json")) for each in settings.egress.destinations
)
egress_addresses = tuple(str(each.egress_address) for each in settings.exit_nodes)
gateway_pod = GatewayPod(
    tailscale_image=settings.tailnet.image,
    envoy_image=settings.egress.envoy_image,
    tag=GATEWAY_TAG,
    exit_nodes=tuple(gateway_exit_nodes),
    destinations=destinations,
)
access = GatewayAccess(
    "gateway",
    GatewayAccessArgs(
        namespace=NAMESPACE,
        credential=tailnet.gateway_credential,
        destinations=destinations,
        transparent=frozenset(d.name for d in settings.egress.destinations if d.transparent),
        cluster=network,
        service_ranges=settings.tailnet.service_ranges,
        wireguard_ports=wireguard_ports(gateway_exit_nodes),
    ),
    in_cluster(egress),
)
# Each wave after the gate of the one before, on every update as on the first.
before: pulumi.Resource = access
earlier: tuple[str, ...] = ()
for wave in settings.egress.waves:
    nodes = tuple(node.hostname for node in settings.wave_nodes(wave))
    gateways = GatewayWave(
        f"wave-{wave.name}",
        GatewayWaveArgs(
            namespace=NAMESPACE,
            wave=wave.name,
            nodes=None if wave.nodes is None else nodes,
            earlier=earlier,
            pod=gateway_pod,
        ),
        in_cluster(before),
    )
    before = gateways
    earlier += nodes
    if nodes:
        before = EgressCheck(
            f"gate-{wave.name}",
            EgressCheckArgs(
                namespace=NAMESPACE,
                wave=wave.name,
                nodes=nodes,
                image=settings.egress.check_image,
                destinations=measured,
                expected=egress_addresses,
                echo_url=settings.egress.echo_url,
                peers=tuple(f"{each.hostname}.{NAMESPACE}.svc" for each in settings.exit_nodes),
                cluster=network,
                revision=gateways.revision,
                seconds=settings.egress.gate_seconds,
            ),
            in_cluster(gateways),
        )

# --- the database's firewall ---------------------------------------------------------------------

Firewall(
    "firewall",
    FirewallArgs(
        network=settings.firewall.network,
        egress=tuple(
            AdmittedRange(
                cidr=f"{each.egress_address}/{each.egress_address.max_prefixlen}",
                description=f"oceanid {pulumi.get_stack()}: exit node {each.node}",
            )
            for each in settings.exit_nodes
        ),
        extra=tuple(
            AdmittedRange(cidr=each.cidr, description=each.description)
            for each in settings.firewall.extra
        ),
        retire=settings.firewall.retire,
        proven=before,
        remove_on_destroy=settings.firewall.remove_on_destroy,
    ),
)

# --- synced secrets ------------------------------------------------------------------------------

before_monitoring: pulumi.Resource = access
secrets_watch = None
if settings.external_secrets is not None:
    syncing = settings.external_secrets
    access_to_esc = esc_access()
    secrets_operator = SecretsOperator(
        "secrets-operator",
        SecretsOperatorArgs(
            context=settings.cluster.context,
            namespace=SECRETS_NAMESPACE,
            serves=syncing.namespaces,
            chart=ChartSource(
                chart=syncing.chart.path or "external-secrets",
                repository=syncing.chart.repository,
                version=syncing.chart.version,
            ),
            custom_resources=syncing.custom_resources,
            cluster_kinds=syncing.cluster_kinds,
            webhook=syncing.webhook,
            cluster=network,
        ),
        in_cluster(
            RestrictedNamespace(
                "secrets-operator",
                RestrictedNamespaceArgs(name=SECRETS_NAMESPACE),
                in_cluster(admission),
            )
        ),
    )
    secrets = ExternalSecrets(
        "secrets",
        ExternalSecretsArgs(
            api_url=access_to_esc.url,
            token=access_to_esc.token,
            stores=tuple(
                Store(owned=each.create_namespace, **each.model_dump(exclude={"create_namespace"}))
                for each in syncing.stores
            ),
            secrets=tuple(
                SyncedSecret(namespace=syncing.namespace_of(each), **each.model_dump(mode="json"))
                for each in syncing.secrets
            ),
            context=settings.cluster.context,
            seconds=syncing.sync_seconds,
            operator=secrets_operator.ready,
        ),
        in_cluster(admission),
    )
    before_monitoring = secrets
    secrets_watch = SecretsWatch(
        namespace=SECRETS_NAMESPACE, longest_interval_seconds=syncing.longest_interval_seconds
    )
    pulumi.export("syncedSecrets", secrets.synced)

# --- monitoring ----------------------------------------------------------------------------------

if watches(settings.monitoring.enabled, MONITORING_GROUP, served):
    monitoring = Monitoring(
        "monitoring",
        MonitoringArgs(
            namespace=NAMESPACE,
            prometheus=settings.monitoring.prometheus_namespace,
            prober_image=settings.monitoring.prober_image,
            labels=settings.monitoring.labels,
            docs_url=settings.monitoring.docs_url,
            exit_nodes={each.node: each.hostname for each in settings.exit_nodes},
            expected=egress_addresses,
            echo_url=settings.egress.echo_url,
            echo_seconds=settings.monitoring.echo_seconds,
            destinations=measured,
            key_expiries=tailnet.key_expiries,
            secrets=secrets_watch,
        ),
        in_cluster(before_monitoring),
    )
    pulumi.export("alerts", monitoring.alerts)

pulumi.export("exitNodes", exit_nodes)
pulumi.export("egressAddresses", list(egress_addresses))
pulumi.export("gateway", access.service)
pulumi.export("tailnetPolicy", tailnet.policy)
