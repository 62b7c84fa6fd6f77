"""The dashboard, as Grafana's JSON model (schema version 39, Grafana 10 and later)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components._labels import DRIFT_LEASE
from components._watched import EGRESS_ADDRESS, PROBES_JOB

Json = dict[str, Any]

_WIDTH = 24
_SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel: its query, the text of each line, and Grafana's name of the unit.

    `kind` is Grafana's panel type; `bad` is the value from which it is red, or below which with
    `falling`, None where there is none. `width` is in 24ths.
    """

    title: str
    query: str
    legend: str
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 8
    bad: float | None = None
    falling: bool = False


def panels(namespace: str) -> list[Panel]:
    """What the dashboard shows, from the most to the least urgent."""
    ours = f'namespace="{namespace}"'
    egress = f'{ours}, envoy_cluster_name="egress"'
    ready = 'kube_node_status_condition{condition="Ready", status="true"}'
    return [
        Panel(
            title="Nodes ready",
            query=ready,
            legend="{{node}}",
            kind="stat",
            bad=1,
            falling=True,
        ),
        Panel(
            title="Gateways not ready",
            query=f"kube_daemonset_status_desired_number_scheduled{{{ours}}} - "
            f"kube_daemonset_status_number_ready{{{ours}}}",
            legend="{{daemonset}}",
            kind="stat",
            bad=1,
        ),
        Panel(
            title="Exit nodes, as each gateway sees them",
            query=f"envoy_cluster_endpoint_healthy{{{egress}}}",
            legend="{{envoy_endpoint_hostname}} from {{node}}",
            kind="stat",
            bad=1,
            falling=True,
        ),
        Panel(
            title="Address seen outside",
            query=f'probe_expect_info{{job="{PROBES_JOB}"}}',
            legend="{{address}} from {{node}}",
            kind="stat",
            width=12,
        ),
        Panel(
            title="Destinations through each gateway",
            query=f'probe_success{{job="{PROBES_JOB}", destination!="{EGRESS_ADDRESS}"}}',
            legend="{{destination}} from {{node}} by {{path}}",
            kind="stat",
            width=12,
            bad=1,
            falling=True,
        ),
        Panel(
            title="Kubelet heartbeat age",
            query='time() - kube_lease_renew_time{namespace="kube-node-lease"}',
            legend="{{lease}}",
            unit="s",
        ),
        Panel(
            title="Time to a destination",
            query=f'probe_duration_seconds{{job="{PROBES_JOB}"}}',
            legend="{{destination}} from {{node}} by {{path}}",
            unit="s",
        ),
        Panel(
            title="Connections carried",
            query="sum by (node, envoy_tcp_prefix) "
            # What passes inside Envoy to an exit node has been counted at its port.
            f"(rate(envoy_tcp_downstream_cx_total{{{ours},envoy_tcp_prefix!~"
            '"exit-node-.*"}[5m]))',
            legend="{{envoy_tcp_prefix}} on {{node}}",
            unit="cps",
        ),
        Panel(
            title="Bytes through the exit nodes' tunnels",
            query=f"sum by (pod, path) (rate(tailscaled_outbound_bytes_total{{{ours}}}[5m]))",
            legend="{{pod}} {{path}}",
            unit="Bps",
        ),
        Panel(
            title="Connections that found no healthy exit node",
            query="sum by (node) "
            f"(increase(envoy_cluster_upstream_cx_none_healthy{{{egress}}}[5m]))",
            legend="{{node}}",
        ),
        Panel(
            title="Secrets: failed readings",
            query="sum by (namespace, name) (increase(externalsecret_sync_calls_error[15m]))",
            legend="{{namespace}}/{{name}}",
        ),
        Panel(
            title="Since the last look that found no drift",
            query=f'time() - kube_lease_renew_time{{{ours}, lease="{DRIFT_LEASE}"}}',
            legend="stack",
            kind="stat",
            unit="s",
            width=12,
        ),
        Panel(
            title="Containers started",
            query=f"time() - kube_pod_container_state_started{{{ours}}}",
            legend="{{pod}} {{container}}",
            unit="s",
            width=12,
        ),
    ]


def dashboard(namespace: str) -> Json:
    """The dashboard's document; panels are laid out in rows, in their order."""
    placed: list[Json] = []
    left = top = 0
    for number, panel in enumerate(panels(namespace), start=1):
        height = 4 if panel.kind == "stat" else 8
        if left + panel.width > _WIDTH:
            left, top = 0, top + placed[-1]["gridPos"]["h"]
        place = {"h": height, "w": panel.width, "x": left, "y": top}
        placed.append(_panel(panel) | {"id": number, "gridPos": place})
        left += panel.width
    return {
        "uid": "oceanid-egress",
        "title": "Oceanid: nodes and egress",
        "tags": ["oceanid"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                }
            ]
        },
        "panels": placed,
    }


def _panel(panel: Panel) -> Json:
    good, bad = {"color": "green", "value": None}, {"color": "red", "value": panel.bad}
    if panel.falling:
        good, bad = {"color": "red", "value": None}, {"color": "green", "value": panel.bad}
    return {
        "type": panel.kind,
        "title": panel.title,
        "datasource": _SOURCE,
        "targets": [
            {
                "refId": "A",
                "datasource": _SOURCE,
                "expr": panel.query,
                "legendFormat": panel.legend,
                "instant": panel.kind == "stat",
            }
        ],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "thresholds": {
                    "mode": "absolute",
                    "steps": [good] if panel.bad is None else [good, bad],
                },
            },
            "overrides": [],
        },
        **({"options": {"textMode": "value_and_name"}} if panel.kind == "stat" else {}),
    }
