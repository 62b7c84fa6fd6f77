"""Monitoring: what Prometheus scrapes, what is probed, the alerts, and a dashboard for Grafana."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import pulumi
from pulumi_kubernetes import apiextensions
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking

from components import _monitors as monitors
from components._alert import groups
from components._alerts import alerts
from components._dashboard import dashboard
from components._egress_checks import MeasuredDestination
from components._gateway_pod import STATUS_PORT
from components._labels import EXIT_NODE_LABELS, GATEWAY_LABELS, PART_OF
from components._monitors import Probed
from components._network_policy import ClusterNetwork, scraped_policy
from components._prober import Prober, ProberArgs
from components._prober_config import prober_address
from components._rule_exceptions import read
from components._secrets_operator_chart import METRICS_PORT, every_pod_labels
from components._tailscale_pod import HEALTH_PORT
from components._tolerations import Toleration
from components._watched import Watched

__all__ = ["GROUP", "Monitoring", "MonitoringArgs", "SecretsWatch"]

GROUP = "monitoring.coreos.com"
"""The API group of the Prometheus Operator's kinds, without which nothing here can be made."""

_VERSION = f"{GROUP}/v1"
_DASHBOARD_LABEL = {"grafana_dashboard": "1"}
# Three readings missed, and no less than a quarter of an hour.
_READINGS_MISSED = 3
_STALE_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class SecretsWatch:
    """The External Secrets Operator's namespace, and the longest of its secrets' intervals.

    That is 0 without secrets.
    """

    namespace: str
    longest_interval_seconds: int


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """What is watched, and how Prometheus and Grafana find it.

    `prometheus` is the namespace that may scrape; `nodes` are the names of those that must have a
    gateway; `exit_nodes` are names with host names, in order of preference; `expected` the
    addresses of which one must be seen outside; `key_expiries` the ends of auth keys by what they
    are for (RFC 3339), empty where there are none; `labels` go on every object; `tolerations` are
    the prober's.
    """

    namespace: str
    prometheus: str
    prober_image: str
    labels: Mapping[str, str]
    docs_url: str
    nodes: tuple[str, ...]
    exit_nodes: Mapping[str, str]
    expected: tuple[str, ...]
    echo_url: str
    echo_seconds: int
    destinations: tuple[MeasuredDestination, ...]
    cluster: ClusterNetwork
    tolerations: tuple[Toleration, ...]
    key_expiries: Mapping[str, pulumi.Input[str]]
    secrets: SecretsWatch | None


class Monitoring(pulumi.ComponentResource):
    """Objects of the Prometheus Operator, a dashboard, and the fences' doors for Prometheus."""

    alerts: pulumi.Output[list[str]]
    """Names of the alerts."""

    def __init__(
        self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:Monitoring", name, None, opts)
        self._name = name
        self._args = args
        self._doors()
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
            labels={PART_OF: "oceanid", **self._args.labels},
        )

    def _doors(self) -> None:
        args = self._args
        health = range(HEALTH_PORT, HEALTH_PORT + len(args.exit_nodes))
        doors = {
            "exit-nodes": (args.namespace, EXIT_NODE_LABELS, [HEALTH_PORT]),
            "gateways": (args.namespace, GATEWAY_LABELS, [STATUS_PORT, *health]),
        }
        if args.secrets is not None:
            doors["secrets"] = (args.secrets.namespace, every_pod_labels(), [METRICS_PORT])
        for part, (namespace, pods, ports) in doors.items():
            networking.NetworkPolicy(
                f"{self._name}-scrape-{part}",
                metadata=self._metadata(f"oceanid-scrape-{part}", namespace),
                spec=scraped_policy(pods, ports=ports, prometheus=args.prometheus),
                opts=self._child(),
            )

    def _prober(self) -> None:
        args = self._args
        Prober(
            f"{self._name}-prober",
            ProberArgs(
                namespace=args.namespace,
                image=args.prober_image,
                echo_url=args.echo_url,
                expected=args.expected,
                destinations=args.destinations,
                prometheus=args.prometheus,
                cluster=args.cluster,
                tolerations=args.tolerations,
            ),
            self._child(),
        )

    def _monitors(self) -> None:
        args = self._args
        self._pod_monitor("exit-nodes", monitors.exit_nodes())
        self._pod_monitor("gateways", monitors.gateways(len(args.exit_nodes)))
        if args.secrets is not None:
            spec = monitors.secrets_operator(every_pod_labels())
            self._pod_monitor("secrets", spec, args.secrets.namespace)

        probed = Probed(
            prober=prober_address(args.namespace),
            echo_url=args.echo_url,
            echo_seconds=args.echo_seconds,
            destinations=args.destinations,
        )
        self._pod_monitor("probes", monitors.every_gateway(probed))
        for name, spec in monitors.by_service(probed).items():
            self._object("Probe", name, spec)

    def _pod_monitor(self, part: str, spec: monitors.Json, namespace: str | None = None) -> None:
        self._object("PodMonitor", part, spec, namespace)

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
        secrets = args.secrets
        interval = secrets.longest_interval_seconds if secrets else 0
        watched = Watched(
            namespace=args.namespace,
            nodes=args.nodes,
            exit_nodes=args.exit_nodes,
            expected=args.expected,
            key_expiries={},
            exceptions=read(),
            secrets_namespace=secrets.namespace if secrets else None,
            secrets_stale_seconds=(
                max(_STALE_SECONDS, _READINGS_MISSED * interval) if interval else None
            ),
        )

        def rendered(expiries: Mapping[str, str]) -> list[monitors.Json]:
            ends = {
                key: int(datetime.fromisoformat(at).timestamp()) for key, at in expiries.items()
            }
            return groups(alerts(replace(watched, key_expiries=ends)), args.docs_url)

        # Plain where nothing has to be waited for, so that a preview shows every rule.
        found = (
            pulumi.Output.all(**args.key_expiries).apply(rendered)
            if args.key_expiries
            else pulumi.Output.from_input(rendered({}))
        )
        self._object("PrometheusRule", "alerts", {"groups": found})
        return found.apply(lambda all_of: [each["alert"] for g in all_of for each in g["rules"]])

    def _dashboard(self) -> None:
        core.ConfigMap(
            f"{self._name}-dashboard",
            metadata=meta.ObjectMetaArgs(
                name="oceanid-dashboard",
                namespace=self._args.namespace,
                labels={PART_OF: "oceanid", **_DASHBOARD_LABEL, **self._args.labels},
            ),
            data={"oceanid.json": json.dumps(dashboard(self._args.namespace), indent=1)},
            opts=self._child(),
        )
