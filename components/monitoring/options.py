"""What a stack chooses of its monitoring."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from ..values.duration import Interval, seconds
from ..values.fields import DnsLabel, HttpUrl, Labels, PinnedImage, refuse
from ..values.model import StrictModel

_DOCS = "https://github.com/goldfish-inc/oceanid-cluster/blob/main/docs"
_PROBER = "quay.io/prometheus/blackbox-exporter:v0.28.0"
_SHORTEST, _LONGEST = 30, 290


class MonitoringMode(StrEnum):
    """Whether a stack has monitoring; WHEN_INSTALLED: where the Prometheus Operator's CRDs are."""

    ALWAYS = "always"
    NEVER = "never"
    WHEN_INSTALLED = "when-installed"


def _before_stale(value: str) -> str:
    if not _SHORTEST <= (seconds(value) or 0) <= _LONGEST:
        refuse(
            f"not {_SHORTEST} s to {_LONGEST} s: after 5 min Prometheus takes a sample for stale",
            "give it such as 4m",
        )
    return value


class MonitoringOptions(StrictModel):
    """Monitors, probes, alerts and a dashboard; see docs/monitoring.md.

    `prometheus_namespace` is where Prometheus runs, which alone may scrape. `labels` are put on
    every object by which Prometheus and Grafana find it. `docs_url` is where alerts link to,
    without a final slash. `egress_ip_interval` is how often one gateway asks for the egress IP.
    """

    enabled: MonitoringMode = MonitoringMode.WHEN_INSTALLED
    prometheus_namespace: DnsLabel = "monitoring"
    labels: Labels = Field(default_factory=dict)
    prober_image: PinnedImage = _PROBER
    docs_url: Annotated[HttpUrl, AfterValidator(lambda url: url.rstrip("/"))] = _DOCS
    egress_ip_interval: Annotated[Interval, AfterValidator(_before_stale)] = "4m"

    @property
    def egress_ip_seconds(self) -> int:
        """`egress_ip_interval` in whole seconds."""
        return int(seconds(self.egress_ip_interval) or 0)
