"""Wires the stack: settings, providers, components, outputs."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes
import pulumi_tailscale

from components.admission import AdmissionPolicies
from components.egress_check import EgressCheck, EgressCheckArgs, MeasuredDestination
from components.exit_node import ClusterNetwork, ExitNode, ExitNodeArgs, Toleration
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
from settings.names import EXIT_TAG, GATEWAY_TAG, NAMESPACE, SECRETS_NAMESPACE, TOKEN_SECRET

settings = load()
fit = require_fit(document(settings), stop=settings.preflight.on_failure is OnFailure.STOP)
fit.require_planned(node.hostname for node in settings.nodes)

# --- providers -----------------------------------------------------------------------------------

cluster = pulumi_kubernetes.Provider(
    "cluster",
    context=settings.cluster.context,
    # The cluster's identity, so that a moved or renewed kubeconfig does not replace everything.
    cluster_identifier=settings.cluster.identifier,
    # A Secret that changes is never away in between: what reads it would fail meanwhile.
    enable_secret_mutable=True,
    # Whatever the environment says: an API server that is away must not empty the state.
    delete_unreachable=False,
    skip_update_unreachable=False,
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
    api_servers=fit.api_servers,
)

exit_nodes = {}
gateway_exit_nodes: list[GatewayExitNode] = []
# One after the other, the preferred one last: a change of them all ends a session once.
before: pulumi.Resource = egress
for each in reversed(settings.exit_nodes):
    before = exit_node = ExitNode(
        f"exit-{each.node}",
        ExitNodeArgs(
            namespace=NAMESPACE,
            hostname=each.hostname,
            node=settings.node(each.node).hostname,
            image=settings.tailnet.image,
            tag=EXIT_TAG,
            credential=tailnet.exit_credential,
            cluster=network,
            tolerations=tuple(Toleration(**t.model_dump(mode="json")) for t in each.tolerations),
        ),
        in_cluster(egress, before),
    )
    approved = ApprovedExitNode(
        f"exit-{each.node}-device",
        ApprovedExitNodeArgs(hostname=exit_node.hostname),
        in_tailnet,
    )
    used = GatewayExitNode(name=each.node, tailnet_address=approved.tailnet_address)
    gateway_exit_nodes.insert(0, used)
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
    tolerations=tuple(Toleration(**t.model_dump(mode="json")) for t in settings.egress.tolerations),
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
before = access
earlier: tuple[str, ...] = ()
for wave in settings.egress.waves:
    named = tuple(node.hostname for node in settings.wave_nodes(wave))
    # The last wave catches nodes that the settings do not name: they are measured as well.
    nodes = named + (fit.unnamed if wave.nodes is None else ())
    wave_gateways = GatewayWave(
        f"wave-{wave.name}",
        GatewayWaveArgs(
            namespace=NAMESPACE,
            wave=wave.name,
            nodes=None if wave.nodes is None else named,
            earlier=earlier,
            size=len(nodes),
            pod=gateway_pod,
        ),
        in_cluster(before),
    )
    earlier += named
    before = EgressCheck(
        f"gate-{wave.name}",
        EgressCheckArgs(
            context=settings.cluster.context,
            gateways=wave_gateways.gateways,
            nodes=tuple(node for node in nodes if node not in fit.excused),
            image=settings.egress.check_image,
            destinations=measured,
            expected=egress_addresses,
            echo_url=settings.egress.echo_url,
            peers=tuple(f"{each.hostname}.{NAMESPACE}.svc" for each in settings.exit_nodes),
            cluster=network,
            seconds=settings.egress.gate_seconds,
            stop=fit.stop,
            excused=fit.excused,
            uids=fit.uids,
        ),
        in_cluster(wave_gateways),
    )

# --- the database's firewall ---------------------------------------------------------------------

Firewall(
    "firewall",
    FirewallArgs(
        network=settings.firewall.network,
        egress=tuple(
            AdmittedRange(
                cidr=cidr,
                description=f"oceanid {pulumi.get_stack()}: exit node {', '.join(nodes)}",
            )
            for cidr, nodes in settings.egress_ranges.items()
        ),
        extra=tuple(AdmittedRange(**each.model_dump()) for each in settings.firewall.extra),
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
    secrets_namespace = RestrictedNamespace(
        "secrets-operator", RestrictedNamespaceArgs(name=SECRETS_NAMESPACE), in_cluster(admission)
    )
    secrets_operator = SecretsOperator(
        "secrets-operator",
        SecretsOperatorArgs(
            context=settings.cluster.context,
            namespace=SECRETS_NAMESPACE,
            serves=syncing.namespaces,
            chart=ChartSource(
                chart=syncing.chart.reference,
                repository=syncing.chart.index,
                version=syncing.chart.version,
            ),
            custom_resources=syncing.custom_resources,
            cluster_kinds=syncing.cluster_kinds,
            webhook=syncing.webhook,
            cluster=network,
            tolerations=gateway_pod.tolerations,
        ),
        in_cluster(secrets_namespace),
    )
    secrets = ExternalSecrets(
        "secrets",
        ExternalSecretsArgs(
            api_url=access_to_esc.url,
            token=access_to_esc.token,
            token_secret=TOKEN_SECRET,
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

if watches(settings.monitoring.enabled, MONITORING_GROUP, fit.groups):
    monitoring = Monitoring(
        "monitoring",
        MonitoringArgs(
            namespace=NAMESPACE,
            prometheus=settings.monitoring.prometheus_namespace,
            prober_image=settings.monitoring.prober_image,
            labels=settings.monitoring.labels,
            docs_url=settings.monitoring.docs_url,
            nodes=tuple(node.hostname for node in settings.nodes),
            exit_nodes={each.node: each.hostname for each in settings.exit_nodes},
            expected=egress_addresses,
            echo_url=settings.egress.echo_url,
            echo_seconds=settings.monitoring.echo_seconds,
            destinations=measured,
            cluster=network,
            tolerations=gateway_pod.tolerations,
            key_expiries=tailnet.key_expiries,
            secrets=secrets_watch,
        ),
        in_cluster(before_monitoring),
    )
    pulumi.export("alerts", monitoring.alerts)

pulumi.export("exitNodes", exit_nodes)
pulumi.export("apiServers", [str(each) for each in fit.api_servers])
pulumi.export("egressAddresses", list(egress_addresses))
pulumi.export("gateway", access.service)
pulumi.export("tailnetPolicy", tailnet.policy)
