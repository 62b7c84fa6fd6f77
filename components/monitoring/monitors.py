"""Specs of the Prometheus Operator's PodMonitors and Probes, as plain data.

Fields are those of its API monitoring.coreos.com/v1 (v0.94).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components._egress_checks import MeasuredDestination
from components._envoy import STATS_PATH
from components._labels import EXIT_NODE_LABELS, GATEWAY_LABELS
from components._prober_config import BY_GATEWAY, BY_SERVICE
from components._watched import EGRESS_ADDRESS, PROBES_JOB

Json = dict[str, Any]

INTERVAL = "30s"
_PROBE_SECONDS = 60
# Over the prober's own limit of 10 s, so that it can still say what failed.
_PROBE_TIMEOUT = "15s"
_NODE: Json = {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What is probed, and by whom: `prober` is the `host:port` of its Service."""

    prober: str
    echo_url: str
    echo_seconds: int
    destinations: tuple[MeasuredDestination, ...]


def exit_nodes() -> Json:
    """The exit nodes' tailscaleds."""
    return _pod_monitor(EXIT_NODE_LABELS, [_scrape("health")])


def gateways(exit_nodes: int) -> Json:
    """Envoy, and the tailscaled for each of so many exit nodes."""
    tailscaleds = [_scrape(f"health-{index}") for index in range(exit_nodes)]
    return _pod_monitor(GATEWAY_LABELS, [_scrape("status", path=STATS_PATH), *tailscaleds])


def secrets_operator(pods: Mapping[str, str]) -> Json:
    """The External Secrets Operator's parts; its metrics name the secrets' own namespaces."""
    return _pod_monitor(pods, [_scrape("metrics", honorLabels=True)])


def every_gateway(probed: Probed) -> Json:
    """Each destination, and the address seen outside, by each gateway's own proxy.

    A scrape of the gateway's pod is sent to the prober in its place, with the pod as its target.
    """
    seconds = {EGRESS_ADDRESS: probed.echo_seconds}
    asked = [EGRESS_ADDRESS, *(each.name for each in probed.destinations)]
    return _pod_monitor(
        GATEWAY_LABELS,
        [
            {
                "port": "http-proxy",
                "path": "/probe",
                "params": {"module": [f"{BY_GATEWAY}-{name}"]},
                "interval": f"{seconds.get(name, _PROBE_SECONDS)}s",
                "scrapeTimeout": _PROBE_TIMEOUT,
                "relabelings": [
                    _NODE,
                    {"sourceLabels": ["__address__"], "targetLabel": "__param_target"},
                    {"sourceLabels": ["__address__"], "targetLabel": "instance"},
                    {"targetLabel": "__address__", "replacement": probed.prober},
                    *(
                        {"targetLabel": label, "replacement": value}
                        for label, value in _labels(name, "gateway").items()
                    ),
                    {"targetLabel": "job", "replacement": PROBES_JOB},
                ],
            }
            for name in asked
        ],
    )


def by_service(probed: Probed) -> dict[str, Json]:
    """Probes by the gateways' Service, by name: as an application goes, with HTTP and TLS."""
    found = {EGRESS_ADDRESS: _probe(probed, EGRESS_ADDRESS, probed.echo_url, probed.echo_seconds)}
    for each in probed.destinations:
        if each.protocol == "s3":
            url = f"https://{each.host}:{each.port}/"
            found[each.name] = _probe(probed, each.name, url, _PROBE_SECONDS)
    return found


def _probe(probed: Probed, name: str, url: str, seconds: int) -> Json:
    return {
        "jobName": PROBES_JOB,
        "module": f"{BY_SERVICE}-{name}",
        "interval": f"{seconds}s",
        "scrapeTimeout": _PROBE_TIMEOUT,
        "prober": {"url": probed.prober, "path": "/probe"},
        "targets": {"staticConfig": {"static": [url], "labels": _labels(name, "service")}},
    }


def _labels(destination: str, path: str) -> dict[str, str]:
    return {"destination": destination, "path": path}


def _pod_monitor(pods: Mapping[str, str], endpoints: Sequence[Json]) -> Json:
    return {"selector": {"matchLabels": dict(pods)}, "podMetricsEndpoints": list(endpoints)}


def _scrape(port: str, *, path: str = "/metrics", **more: bool) -> Json:
    return {"port": port, "path": path, "interval": INTERVAL, "relabelings": [_NODE], **more}
