"""Wires the stack: settings, providers, components, outputs."""

import pulumi
import pulumi_tailscale

from components.admission.admission import AdmissionPolicies
from components.cluster.fleet_nodes import FleetNodes, FleetNodesArgs
from components.cluster.namespace import RestrictedNamespace, RestrictedNamespaceArgs
from components.cluster.network_policy import ClusterNetwork
from components.cluster.preflight import require_fit
from components.cluster.provider import cluster_provider
from components.cluster.stack_config import configured
from components.egress.egress import Egress
from components.egress.egress_args import EgressArgs
from components.egress.tailnet import Tailnet, TailnetArgs
from components.firewall.firewall import Firewall, FirewallArgs
from components.monitoring.monitoring import Monitoring, MonitoringArgs, monitoring_enabled
from components.secrets.esc_access import esc_access
from components.secrets.external_secrets import ExternalSecrets, ExternalSecretsArgs
from components.secrets.operator import SecretsOperator, SyncArgs
from settings import OnFailure, document, load
from settings.names import EXIT_TAG, GATEWAY_TAG, NAMESPACE, SECRETS_NAMESPACE, TOKEN_SECRET

stack, settings = pulumi.get_stack(), configured(load)
context, tolerations = settings.cluster.context, settings.egress.tolerations
fit = require_fit(document(settings), stop=settings.preflight.on_failure is OnFailure.STOP)
fit.require_planned(node.hostname for node in settings.nodes)
network = ClusterNetwork(
    pods=settings.cluster.pod_cidr,
    services=settings.cluster.service_cidr,
    nodes=tuple(node.address for node in settings.nodes),
    api_servers=fit.api_servers,
)
providers = [
    cluster_provider(context, settings.cluster.identifier),
    pulumi_tailscale.Provider("tailnet-api"),
]


def after(*depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
    """Options of a component that waits for others."""
    return pulumi.ResourceOptions(providers=providers, depends_on=list(depends_on))


# First of all: what the policies forbid is then refused to everybody, this stack included.
admission = AdmissionPolicies("admission", after())
node_labels = {node.hostname: node.labels for node in settings.nodes}
FleetNodes("fleet", FleetNodesArgs(labels=node_labels), after())
tailnet = Tailnet(
    "tailnet",
    TailnetArgs(
        stack=stack,
        exit_tag=EXIT_TAG,
        gateway_tag=GATEWAY_TAG,
        credential=settings.tailnet.credential,
        policy_file=settings.tailnet.policy_file,
    ),
    after(),
)
namespace = RestrictedNamespace("egress", RestrictedNamespaceArgs(name=NAMESPACE), after(admission))
egress = Egress(
    "egress",
    EgressArgs(
        namespace=NAMESPACE,
        context=context,
        cluster=network,
        service_ranges=settings.tailnet.service_ranges,
        exit_nodes=settings.pinned_exit_nodes,
        exit_access=tailnet.exit_nodes,
        gateway_access=tailnet.gateways,
        tailscale_image=settings.tailnet.image,
        envoy_image=settings.egress.envoy_image,
        check_image=settings.egress.check_image,
        targets=settings.egress_targets,
        waves=settings.egress_waves(fit.unnamed),
        gate_seconds=settings.egress.gate_seconds,
        tolerations=tolerations,
        stop=fit.stop,
        excused=fit.excused,
        uids=fit.uids,
    ),
    after(namespace),
)
Firewall(
    "firewall",
    FirewallArgs(
        network=settings.firewall.network,
        egress=settings.admitted_ranges(stack),
        extra=settings.firewall.extra,
        retire=settings.firewall.retire,
        retire_after=egress.last_gate,
        remove_on_destroy=settings.firewall.remove_on_destroy,
    ),
)

before_monitoring: pulumi.Resource = egress.access
if options := settings.external_secrets:
    sync = SyncArgs(
        context=context,
        namespace=SECRETS_NAMESPACE,
        access=esc_access(),
        token_secret=TOKEN_SECRET,
        options=options,
        cluster=network,
        tolerations=tolerations,
    )
    secrets_namespace = RestrictedNamespace(
        "secrets-operator", RestrictedNamespaceArgs(name=SECRETS_NAMESPACE), after(admission)
    )
    operator = SecretsOperator("secrets-operator", sync, after(secrets_namespace))
    secrets_args = ExternalSecretsArgs(sync=sync, operator=operator.ready)
    before_monitoring = secrets = ExternalSecrets("secrets", secrets_args, after(admission))
    pulumi.export("syncedSecrets", secrets.synced)

if monitoring_enabled(settings.monitoring.enabled, fit.api_groups):
    monitoring = Monitoring(
        "monitoring",
        MonitoringArgs(
            namespace=NAMESPACE,
            options=settings.monitoring,
            nodes=tuple(node_labels),
            exit_nodes=settings.pinned_exit_nodes,
            targets=settings.egress_targets,
            cluster=network,
            tolerations=tolerations,
            key_expiries=tailnet.key_expiries,
            secrets_namespace=SECRETS_NAMESPACE if options else None,
            longest_interval_seconds=options.longest_interval_seconds if options else 0,
        ),
        after(before_monitoring),
    )
    pulumi.export("alerts", monitoring.alerts)

pulumi.export("exitNodes", egress.exit_nodes)
pulumi.export("apiServers", [str(server) for server in fit.api_servers])
pulumi.export("egressAddresses", list(settings.egress_targets.egress_addresses))
pulumi.export("gateway", egress.gateway)
pulumi.export("gates", egress.gates)
pulumi.export("tailnetPolicy", tailnet.policy)
