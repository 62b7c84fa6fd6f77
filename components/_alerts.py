"""The alerts. docs/monitoring.md lists them, and which exporter each needs.

No alert may ask for a metric that nothing exports: a test compares the names with what the real
programs export. Metrics named `kube_` are kube-state-metrics', `probe_` the prober's, `envoy_` and
`tailscaled_` the gateways', `externalsecret_` the External Secrets Operator's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from components._alert import Alert, Severity
from components._egress_alerts import egress_alerts, exit_node_alerts
from components._labels import DRIFT_LEASE
from components._watched import PROBES_JOB, Watched

# A kubelet renews its Lease every 10 s and is NotReady after 40 s (Kubernetes' documentation,
# "Nodes", "Heartbeats"): this is well past both, and not a matter of one lost packet.
_HEARTBEAT_SECONDS = 180
_SOON_DAYS = 14
_DAY_SECONDS = 86_400
# The nightly look for drift may be late, or fail once, before anybody is told.
_DRIFT_HOURS = 36
# The cluster's own, which the policies leave alone as well.
_SYSTEM_NAMESPACES = "kube-node-lease|kube-public|kube-system"


def alerts(watched: Watched) -> dict[str, Sequence[Alert]]:
    """All alerts by group; those whose subject there is not are left out."""
    return {
        "nodes": _nodes(watched),
        "exit-nodes": exit_node_alerts(watched),
        "egress": egress_alerts(watched),
        "secrets": _secrets(watched),
        "house-keeping": _house_keeping(watched),
    }


def _nodes(watched: Watched) -> list[Alert]:
    host_network = (
        'kube_pod_info{host_network="true", created_by_kind="DaemonSet", '
        f'namespace!~"{_SYSTEM_NAMESPACES}"}}'
    )
    for each in watched.exceptions:
        if each.daemon_set is not None:
            namespace, name = each.daemon_set
            excepted = f'kube_pod_info{{namespace="{namespace}", created_by_name="{name}"}}'
            host_network += f" unless ({excepted} and on () vector({each.ends}) > time())"
    return [
        Alert(
            name="OceanidNodeNotReady",
            expr='kube_node_status_condition{condition="Ready", status="true"} == 0',
            hold="5m",
            severity=Severity.CRITICAL,
            summary="Node {{ $labels.node }} is NotReady",
            impact="Nothing on it is managed; its pods and its gateway may be gone.",
            runbook="runbooks/nodes.md#a-node-is-notready",
        ),
        Alert(
            name="OceanidNodeHeartbeatOld",
            expr='time() - kube_lease_renew_time{namespace="kube-node-lease"} '
            f"> {_HEARTBEAT_SECONDS}",
            severity=Severity.CRITICAL,
            summary="The kubelet of {{ $labels.lease }} was last heard of "
            "{{ $value | humanizeDuration }} ago",
            impact="The node is cut off, whatever its condition still says.",
            runbook="runbooks/nodes.md#a-node-is-notready",
        ),
        Alert(
            name="OceanidHostNetworkDaemonSet",
            expr=f"count by (namespace, created_by_name) ({host_network}) > 0",
            severity=Severity.CRITICAL,
            summary="DaemonSet {{ $labels.namespace }}/{{ $labels.created_by_name }} runs in the "
            "network of {{ $value }} nodes",
            impact="A fault of it cuts the nodes off from the cluster: the outage of October 2025.",
            runbook="runbooks/pod-security.md#a-daemonset-in-the-nodes-network",
        ),
    ]


def _secrets(watched: Watched) -> list[Alert]:
    if watched.secrets_namespace is None:
        return []
    runbook = "runbooks/esc-token.md#a-secret-is-not-synced"
    down = Alert(
        name="OceanidSecretsOperatorDown",
        expr="kube_deployment_status_replicas_ready"
        f'{{namespace="{watched.secrets_namespace}"}} == 0',
        hold="10m",
        severity=Severity.WARNING,
        summary="No pod of {{ $labels.namespace }}/{{ $labels.deployment }} is ready",
        impact="No secret is read anew; with the webhook gone none can be changed either.",
        runbook=runbook,
    )
    stale = watched.secrets_stale_seconds
    if stale is None:
        return [down]
    return [
        Alert(
            name="OceanidSecretSyncFailing",
            # The condition may stick, and the errors may stop with the operator: either is enough.
            expr="sum by (namespace, name) (increase(externalsecret_sync_calls_error[15m])) > 0 "
            "or max by (namespace, name) "
            '(externalsecret_status_condition{condition="Ready", status="False"}) == 1',
            hold="5m",
            severity=Severity.WARNING,
            summary="Secret {{ $labels.namespace }}/{{ $labels.name }} cannot be read",
            impact="It keeps its last value: a rotated credential does not arrive.",
            runbook=runbook,
        ),
        Alert(
            name="OceanidSecretStale",
            expr="sum by (namespace, name) "
            f"(increase(externalsecret_sync_calls_total[{stale}s])) == 0",
            hold="10m",
            severity=Severity.WARNING,
            summary="Secret {{ $labels.namespace }}/{{ $labels.name }} has not been read for "
            f"{stale // 60} minutes",
            impact="It keeps its last value, and nobody tries for a new one.",
            runbook=runbook,
        ),
        down,
    ]


def _house_keeping(watched: Watched) -> list[Alert]:
    found = [
        Alert(
            name="OceanidDriftNotRuledOut",
            expr=f'time() - kube_lease_renew_time{{namespace="{watched.namespace}", '
            f'lease="{DRIFT_LEASE}"}} > {_DRIFT_HOURS * 3600}',
            severity=Severity.WARNING,
            summary="For {{ $value | humanizeDuration }} nobody has found the stack without drift",
            impact="The database's firewall, or another part, may not be what the code says.",
            runbook="runbooks/state.md#drift",
        ),
        _blind(watched),
    ]
    keys = _ends("key", watched.key_expiries.items())
    if keys:
        found.append(
            Alert(
                name="OceanidAuthKeyExpiring",
                expr=keys,
                severity=Severity.WARNING,
                summary="The {{ $labels.key }} nodes' auth key ends in "
                "{{ $value | humanizeDuration }}",
                impact="From then on a pod that starts anew cannot join the tailnet.",
                runbook="runbooks/auth-key.md#an-auth-key-expires",
            )
        )
    exceptions = _ends(
        "exception", ((f"{e.rule} on {e.resource}", e.ends) for e in watched.exceptions)
    )
    if exceptions:
        found.append(
            Alert(
                name="OceanidPolicyExceptionExpiring",
                expr=exceptions,
                severity=Severity.WARNING,
                summary="The exception {{ $labels.exception }} ends in "
                "{{ $value | humanizeDuration }}",
                impact="From then on previews fail, and the cluster refuses the resource.",
                runbook="runbooks/pod-security.md#an-exception-expires",
            )
        )
    return found


def _blind(watched: Watched) -> Alert:
    ours = f'namespace="{watched.namespace}"'
    needed = {
        "kube-state-metrics": "kube_node_status_condition",
        "kube-state-metrics (leases)": 'kube_lease_renew_time{namespace="kube-node-lease"}',
        "prober": f'probe_success{{job="{PROBES_JOB}"}}',
        "Envoy": f"envoy_cluster_endpoint_healthy{{{ours}}}",
        "tailscaled": f"tailscaled_health_messages{{{ours}}}",
    }
    # The operator counts by secret: without one it exports no such series.
    if watched.secrets_stale_seconds is not None:
        needed["External Secrets"] = "externalsecret_sync_calls_total"
    return Alert(
        name="OceanidMonitoringBlind",
        expr=" or ".join(
            f'label_replace(absent({series}), "source", "{source}", "", "")'
            for source, series in needed.items()
        ),
        hold="15m",
        severity=Severity.WARNING,
        summary="There are no metrics of {{ $labels.source }}",
        impact="Alerts that need them cannot fire: a node could be silent for weeks again.",
        runbook="monitoring.md#when-monitoring-is-blind",
    )


def _ends(label: str, moments: Iterable[tuple[str, int]]) -> str:
    """An expression with the seconds left, for each of these ends that is near."""
    vectors = " or ".join(
        f'label_replace(vector({moment}), "{label}", "{name}", "", "")' for name, moment in moments
    )
    return f"({vectors}) - time() < {_SOON_DAYS * _DAY_SECONDS}" if vectors else ""
