"""Alerts on the egress path: exit nodes, gateways, the address outside, destinations."""

from __future__ import annotations

import re

from components._alert import Alert, Severity
from components._labels import GATEWAY
from components._watched import EGRESS_ADDRESS, PROBES_JOB, Watched

_RESTART_SECONDS = 900


def exit_node_alerts(watched: Watched) -> list[Alert]:
    """Those on exit nodes; on failover only where there are two."""
    of_ours = f'namespace="{watched.namespace}"'
    through = f'{of_ours}, envoy_cluster_name="egress"'
    names = "|".join(watched.exit_nodes.values())
    preferred = next(iter(watched.exit_nodes))
    found = [
        Alert(
            name="OceanidExitNodeOffline",
            expr="max by (envoy_endpoint_hostname) "
            f"(envoy_cluster_endpoint_healthy{{{through}}}) == 0 "
            f'or kube_statefulset_status_replicas_ready{{{of_ours}, statefulset=~"{names}"}} == 0',
            hold="2m",
            severity=Severity.CRITICAL,
            summary="Exit node {{ $labels.envoy_endpoint_hostname }}{{ $labels.statefulset }} "
            "does not answer",
            impact="Without another exit node, no destination can be reached from any node.",
            runbook="runbooks/exit-node.md#offline-or-not-approved",
        ),
        Alert(
            name="OceanidExitNodeNotApproved",
            # tailscaled's own count of approved routes leaves out an exit node's (v1.102.3,
            # ipn/ipnlocal/local.go, WithoutExitRoute). But one that is not approved answers Envoy's
            # question about its health, and carries nothing.
            expr="max by (envoy_endpoint_hostname) "
            f"(envoy_cluster_endpoint_healthy{{{through}}}) == 1 "
            f'and on () (max(probe_success{{job="{PROBES_JOB}", path="gateway"}}) == 0)',
            hold="5m",
            severity=Severity.CRITICAL,
            summary="Exit node {{ $labels.envoy_endpoint_hostname }} answers, but nothing gets "
            "through: is it approved?",
            impact="No destination can be reached from any node.",
            runbook="runbooks/exit-node.md#offline-or-not-approved",
        ),
        Alert(
            name="OceanidExitNodeRestarted",
            expr=f'time() - kube_pod_container_state_started{{{of_ours}, pod=~"({names})-0"}} '
            f"< {_RESTART_SECONDS}",
            severity=Severity.WARNING,
            summary="Exit node {{ $labels.pod }} started {{ $value | humanizeDuration }} ago",
            impact="Connections through it were cut; applications had to connect again.",
            runbook="runbooks/exit-node.md#failover",
        ),
    ]
    if len(watched.exit_nodes) > 1:
        others = f'envoy_endpoint_hostname!="{preferred}"'
        found.append(
            Alert(
                name="OceanidFailoverActive",
                expr=f"envoy_cluster_endpoint_healthy{{{through}, "
                f'envoy_endpoint_hostname="{preferred}"}} == 0 and on (namespace, pod) '
                f"(envoy_cluster_endpoint_healthy{{{through}, {others}}} == 1)",
                hold="2m",
                severity=Severity.WARNING,
                summary="The gateway on {{ $labels.node }} goes past {{ $labels."
                "envoy_endpoint_hostname }}, the preferred exit node",
                impact="Traffic has another address, and one exit node fewer to lose.",
                runbook="runbooks/exit-node.md#failover",
            )
        )
    return found


def egress_alerts(watched: Watched) -> list[Alert]:
    """Those on gateways and on what is reached through them."""
    expected = "|".join(re.escape(each) for each in watched.expected).replace("\\", "\\\\")
    by_service = f'job="{PROBES_JOB}", path="service", destination="{EGRESS_ADDRESS}"'
    nodes = "|".join(re.escape(each) for each in watched.nodes).replace("\\", "\\\\")
    gateways = f'namespace="{watched.namespace}", created_by_name=~"{GATEWAY}-.*"'
    wave = f'namespace="{watched.namespace}", daemonset=~"{GATEWAY}-.*"'
    return [
        Alert(
            name="OceanidGatewayNotReady",
            expr=f"kube_daemonset_status_desired_number_scheduled{{{wave}}} - "
            f"kube_daemonset_status_number_ready{{{wave}}} > 0",
            hold="5m",
            severity=Severity.CRITICAL,
            summary="{{ $value }} gateways of {{ $labels.daemonset }} are not ready",
            impact="Applications on their nodes reach no destination.",
            runbook="runbooks/egress.md#a-gateway-is-not-ready",
        ),
        Alert(
            name="OceanidGatewayMissing",
            # A DaemonSet does not count a node whose taint keeps its pods away as one to have any.
            expr='kube_node_status_condition{condition="Ready", status="true", '
            f'node=~"{nodes}"}} == 1 unless on (node) kube_pod_info{{{gateways}}}',
            hold="5m",
            severity=Severity.CRITICAL,
            summary="Node {{ $labels.node }} is Ready and has no gateway",
            impact="Applications on it reach no destination, and no update's gate passes.",
            runbook="runbooks/egress.md#a-gateway-is-not-ready",
        ),
        Alert(
            name="OceanidEgressAddressChanged",
            expr=f'probe_expect_info{{job="{PROBES_JOB}", address!~"{expected}"}} == 1 '
            f"or probe_failed_due_to_regex{{{by_service}}} == 1",
            severity=Severity.CRITICAL,
            summary="Traffic from {{ if $labels.node }}{{ $labels.node }}{{ else }}a node{{ end }} "
            "is seen from {{ if $labels.address }}{{ $labels.address }}{{ else }}another address"
            "{{ end }}",
            impact="The database refuses it, or it leaks past the exit node.",
            runbook="runbooks/egress.md#the-egress-address-has-changed",
        ),
        Alert(
            name="OceanidDestinationUnreachable",
            # A wrong answer of the echo service is the alert above, not this one.
            expr=f'probe_success{{job="{PROBES_JOB}"}} == 0 '
            f"unless probe_failed_due_to_regex{{{by_service}}} == 1",
            hold="5m",
            severity=Severity.CRITICAL,
            summary="{{ $labels.destination }} cannot be reached through the gateway"
            "{{ if $labels.node }} on {{ $labels.node }}{{ end }}",
            impact="Applications that need it fail.",
            runbook="runbooks/egress.md#a-destination-is-unreachable",
        ),
    ]
