"""What watches the fleet: objects for the Prometheus Operator, and the prober."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated

import pulumi
from pydantic import AfterValidator, Field

from settings.base import SettingGroup
from settings.fields import DnsLabel, HttpUrl, Labels, PinnedImage

_DOCS = "https://github.com/goldfish-inc/oceanid-cluster/blob/main/docs"
_PROBER = "quay.io/prometheus/blackbox-exporter:v0.28.0"


class Switch(StrEnum):
    """Whether there is monitoring; WHEN_INSTALLED asks for the Prometheus Operator's kinds."""

    ALWAYS = "always"
    NEVER = "never"
    WHEN_INSTALLED = "when-installed"


class Monitoring(SettingGroup):
    """Monitors, probes, alerts and a dashboard; see docs/monitoring.md.

    `prometheus_namespace` is where Prometheus runs, which alone may scrape. `labels` are put on
    every object by which Prometheus and Grafana find it. `docs_url` is where alerts link to,
    without a final slash. `echo_seconds` lie between two questions to the echo service by one
    gateway: under Prometheus' five minutes, after which a sample is stale.
    """

    enabled: Switch = Switch.WHEN_INSTALLED
    prometheus_namespace: DnsLabel = "monitoring"
    labels: Labels = Field(default_factory=dict)
    prober_image: PinnedImage = _PROBER
    docs_url: Annotated[HttpUrl, AfterValidator(lambda url: url.rstrip("/"))] = _DOCS
    echo_seconds: Annotated[int, Field(ge=30, le=290)] = 240


def watches(switch: Switch, group: str, served: Collection[str] | None) -> bool:
    """Whether there is to be monitoring, where the cluster serves the API groups `served`.

    `group` is the Prometheus Operator's. Raises pulumi.RunError where that decides and cannot be
    seen: an update that took monitoring away because the API server was away would do harm.
    """
    if switch is not Switch.WHEN_INSTALLED:
        return switch is Switch.ALWAYS
    if served is None:
        raise pulumi.RunError(
            "monitoring.enabled = when-installed: the cluster's API groups cannot be seen: make "
            "the API server answer, or set it to always or never"
        )
    return group in served
