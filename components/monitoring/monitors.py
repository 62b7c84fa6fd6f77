"""Specs of the Prometheus Operator's PodMonitors and Probes, as plain data.

Fields are those of its API monitoring.coreos.com/v1 (v0.94).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..cluster.labels import EXIT_NODE_LABELS, GATEWAY_LABELS
from ..egress.destination import Protocol
from ..egress.envoy import STATS_PATH
from ..egress.fleet import EgressTargets
from .alerts import EGRESS_ADDRESS, PROBES_JOB
from .prober_config import BY_GATEWAY, BY_SERVICE

Json = dict[str, Any]

INTERVAL = "30s"
_PROBE_SECONDS = 60
# Over the prober's own limit of 10 s, so that it can still say what failed.
_PROBE_TIMEOUT = "15s"
_NODE: Json = {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}


@dataclass(frozen=True, kw_only=True)
class ProbeTargets:
    """What is probed, and by whom: `prober` is the `host:port` of its Service.

    One gateway asks for the egress IP every `egress_ip_seconds`.
    """

    prober: str
    targets: EgressTargets
    egress_ip_seconds: int

    def seconds(self, name: str) -> int:
        return self.egress_ip_seconds if name == EGRESS_ADDRESS else _PROBE_SECONDS


def exit_nodes() -> Json:
    return _pod_monitor(EXIT_NODE_LABELS, [_scrape("health")])


def gateways(exit_nodes: int) -> Json:
    """Envoy, and the tailscaled for each of so many exit nodes."""
    tailscaleds = [_scrape(f"health-{index}") for index in range(exit_nodes)]
    return _pod_monitor(GATEWAY_LABELS, [_scrape("status", path=STATS_PATH), *tailscaleds])


def secrets_operator(pods: Mapping[str, str]) -> Json:
    """The External Secrets Operator's parts; its metrics name the secrets' own namespaces."""
    return _pod_monitor(pods, [_scrape("metrics", honorLabels=True)])


def every_gateway(probes: ProbeTargets) -> Json:
    """Each destination, and the address seen outside, by each gateway's own proxy.

    A scrape of the gateway's pod is sent to the prober in its place, with the pod as its target.
    """
    names = [EGRESS_ADDRESS, *(destination.name for destination in probes.targets.destinations)]
    return _pod_monitor(
        GATEWAY_LABELS,
        [
            {
                "port": "http-proxy",
                "path": "/probe",
                "params": {"module": [f"{BY_GATEWAY}-{name}"]},
                "interval": f"{probes.seconds(name)}s",
                "scrapeTimeout": _PROBE_TIMEOUT,
                "relabelings": [
                    _NODE,
                    {"sourceLabels": ["__address__"], "targetLabel": "__param_target"},
                    {"sourceLabels": ["__address__"], "targetLabel": "instance"},
                    {"targetLabel": "__address__", "replacement": probes.prober},
                    *(
                        {"targetLabel": label, "replacement": value}
                        for label, value in _labels(name, "gateway").items()
                    ),
                    {"targetLabel": "job", "replacement": PROBES_JOB},
                ],
            }
            for name in names
        ],
    )


def by_service(probes: ProbeTargets) -> dict[str, Json]:
    """Probes by the gateways' Service, by name: as an application goes, with HTTP and TLS."""
    urls = {EGRESS_ADDRESS: probes.targets.egress_ip_url} | {
        destination.name: f"https://{destination.authority}/"
        for destination in probes.targets.destinations
        if destination.protocol is Protocol.HTTPS
    }
    return {
        name: {
            "jobName": PROBES_JOB,
            "module": f"{BY_SERVICE}-{name}",
            "interval": f"{probes.seconds(name)}s",
            "scrapeTimeout": _PROBE_TIMEOUT,
            "prober": {"url": probes.prober, "path": "/probe"},
            "targets": {"staticConfig": {"static": [url], "labels": _labels(name, "service")}},
        }
        for name, url in urls.items()
    }


def _labels(destination: str, path: str) -> dict[str, str]:
    return {"destination": destination, "path": path}


def _pod_monitor(pods: Mapping[str, str], endpoints: Sequence[Json]) -> Json:
    return {"selector": {"matchLabels": dict(pods)}, "podMetricsEndpoints": list(endpoints)}


def _scrape(port: str, *, path: str = "/metrics", **more: bool) -> Json:
    return {"port": port, "path": path, "interval": INTERVAL, "relabelings": [_NODE], **more}
