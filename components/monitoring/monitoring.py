"""Monitoring: what Prometheus scrapes, what is probed, the alerts, and a dashboard for Grafana."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pulumi
from pulumi_kubernetes import apiextensions
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking

from ..cluster.labels import EXIT_NODE_LABELS, GATEWAY_LABELS, PART_OF
from ..cluster.network_policy import ClusterNetwork, scraped_policy
from ..cluster.ports import HEALTH_PORT, STATUS_PORT
from ..cluster.toleration import Toleration
from ..egress.fleet import EgressTargets, PinnedExitNode
from ..secrets.operator_chart import METRICS_PORT, every_pod_labels
from . import monitors
from .alerts import NAMESPACE, AlertInputs, groups
from .monitors import ProbeTargets
from .options import MonitoringMode, MonitoringOptions
from .prober import Prober, ProberArgs
from .prober_config import prober_address
from .rule_exceptions import read

# Of the Prometheus Operator's CRDs, without which nothing here can be made.
_API_GROUP = "monitoring.coreos.com"
_VERSION = f"{_API_GROUP}/v1"
# Grafana's JSON model, schema version 39: Grafana 10 and later.
_DASHBOARD = Path(__file__).with_name("dashboard.json")
_DASHBOARD_LABEL = {"grafana_dashboard": "1"}
# Three readings missed, and no less than a quarter of an hour.
_READINGS_MISSED = 3
_STALE_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """What is watched.

    `nodes` are the names of those that must have a gateway; `key_expiries` the ends of auth keys by
    what they are for (RFC 3339), empty where there are none; `tolerations` are the prober's.
    `secrets_namespace` is the External Secrets Operator's, None without one, and
    `longest_interval_seconds` the longest of its secrets' refresh intervals, 0 without secrets.
    """

    namespace: str
    options: MonitoringOptions
    nodes: tuple[str, ...]
    exit_nodes: tuple[PinnedExitNode, ...]
    targets: EgressTargets
    cluster: ClusterNetwork
    tolerations: tuple[Toleration, ...]
    key_expiries: Mapping[str, pulumi.Input[str]]
    secrets_namespace: str | None = None
    longest_interval_seconds: int = 0


class Monitoring(pulumi.ComponentResource):
    """Objects of the Prometheus Operator, a dashboard, and Prometheus' way in."""

    alerts: pulumi.Output[list[str]]
    """Names of the alerts."""

    def __init__(
        self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:Monitoring", name, None, opts)
        self._name = name
        self._args = args
        self._allow_scrape()
        self._prober()
        self._monitors()
        self._dashboard()
        self.alerts = self._rules()
        self.register_outputs({"alerts": self.alerts})

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _metadata(self, name: str, namespace: str | None = None) -> meta.ObjectMetaArgs:
        return meta.ObjectMetaArgs(
            name=name,
            namespace=namespace or self._args.namespace,
            labels={PART_OF: "oceanid", **self._args.options.labels},
        )

    def _allow_scrape(self) -> None:
        args = self._args
        health = range(HEALTH_PORT, HEALTH_PORT + len(args.exit_nodes))
        pods_and_ports = {
            "exit-nodes": (args.namespace, EXIT_NODE_LABELS, [HEALTH_PORT]),
            "gateways": (args.namespace, GATEWAY_LABELS, [STATUS_PORT, *health]),
        }
        if args.secrets_namespace is not None:
            secrets = (args.secrets_namespace, every_pod_labels(), [METRICS_PORT])
            pods_and_ports["secrets"] = secrets
        for part, (namespace, pods, ports) in pods_and_ports.items():
            networking.NetworkPolicy(
                f"{self._name}-scrape-{part}",
                metadata=self._metadata(f"oceanid-scrape-{part}", namespace),
                spec=scraped_policy(
                    pods, ports=ports, prometheus=args.options.prometheus_namespace
                ),
                opts=self._child(),
            )

    def _prober(self) -> None:
        args = self._args
        Prober(
            f"{self._name}-prober",
            ProberArgs(
                namespace=args.namespace,
                image=args.options.prober_image,
                targets=args.targets,
                prometheus=args.options.prometheus_namespace,
                cluster=args.cluster,
                tolerations=args.tolerations,
            ),
            self._child(),
        )

    def _monitors(self) -> None:
        args = self._args
        self._object("PodMonitor", "exit-nodes", monitors.exit_nodes())
        self._object("PodMonitor", "gateways", monitors.gateways(len(args.exit_nodes)))
        if args.secrets_namespace is not None:
            spec = monitors.secrets_operator(every_pod_labels())
            self._object("PodMonitor", "secrets", spec, args.secrets_namespace)
        probes = ProbeTargets(
            prober=prober_address(args.namespace),
            targets=args.targets,
            egress_ip_seconds=args.options.egress_ip_seconds,
        )
        self._object("PodMonitor", "probes", monitors.every_gateway(probes))
        for name, spec in monitors.by_service(probes).items():
            self._object("Probe", name, spec)

    def _object(
        self,
        kind: str,
        part: str,
        spec: pulumi.Input[monitors.Json],
        namespace: str | None = None,
    ) -> None:
        apiextensions.CustomResource(
            f"{self._name}-{kind.lower()}-{part}",
            api_version=_VERSION,
            kind=kind,
            metadata=self._metadata(f"oceanid-{part}", namespace),
            spec=spec,
            opts=self._child(),
        )

    def _rules(self) -> pulumi.Output[list[str]]:
        args = self._args
        interval = args.longest_interval_seconds
        inputs = AlertInputs(
            namespace=args.namespace,
            nodes=args.nodes,
            exit_nodes={exit_node.name: exit_node.hostname for exit_node in args.exit_nodes},
            egress_addresses=args.targets.egress_addresses,
            key_expiries={},
            exceptions=read(),
            secrets_namespace=args.secrets_namespace,
            secrets_stale_seconds=(
                max(_STALE_SECONDS, _READINGS_MISSED * interval) if interval else None
            ),
        )

        def rendered(expiries: Mapping[str, str]) -> list[monitors.Json]:
            ends = {
                key: int(datetime.fromisoformat(at).timestamp()) for key, at in expiries.items()
            }
            return groups(replace(inputs, key_expiries=ends), args.options.docs_url)

        # Plain where nothing has to be waited for, so that a preview shows every rule.
        rendered_groups = (
            pulumi.Output.all(**args.key_expiries).apply(rendered)
            if args.key_expiries
            else pulumi.Output.from_input(rendered({}))
        )
        self._object("PrometheusRule", "alerts", {"groups": rendered_groups})
        return rendered_groups.apply(
            lambda known: [rule["alert"] for group in known for rule in group["rules"]]
        )

    def _dashboard(self) -> None:
        core.ConfigMap(
            f"{self._name}-dashboard",
            metadata=meta.ObjectMetaArgs(
                name="oceanid-dashboard",
                namespace=self._args.namespace,
                labels={PART_OF: "oceanid", **_DASHBOARD_LABEL, **self._args.options.labels},
            ),
            data={"oceanid.json": _DASHBOARD.read_text().replace(NAMESPACE, self._args.namespace)},
            opts=self._child(),
        )


def monitoring_enabled(mode: MonitoringMode, api_groups: Collection[str] | None) -> bool:
    """Whether a stack has monitoring, in a cluster with these API groups.

    Raises pulumi.RunError where they decide and are unknown: an update that removed monitoring
    because the API server was away would do harm.
    """
    if mode is not MonitoringMode.WHEN_INSTALLED:
        return mode is MonitoringMode.ALWAYS
    if api_groups is None:
        raise pulumi.RunError(
            "monitoring.enabled = when-installed: the cluster's API groups cannot be seen: make "
            "the API server answer, or set it to always or never"
        )
    return _API_GROUP in api_groups
