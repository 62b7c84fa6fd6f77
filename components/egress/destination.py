"""A host outside the cluster that the fleet reaches by its egress address."""

from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit

from pydantic import model_validator

from ..values.fields import DnsLabel, Host, Port, UnprivilegedPort, refuse
from ..values.model import StrictModel

_DEFAULT_PORTS = {"https": 443, "http": 80}


class Protocol(StrEnum):
    """What a destination speaks, which decides how the gate and the prober ask it."""

    TCP = "tcp"
    POSTGRES = "postgres"
    HTTPS = "https"


class HttpProbe(StrEnum):
    """Which responses show that an HTTPS destination works, where a 2xx is not the only one."""

    # S3 turns a stranger away with one of several statuses.
    S3 = "s3"


class Destination(StrictModel):
    """A host outside the cluster that the fleet reaches by its egress address.

    The gateway listens for it on `local_port`. With `transparent`, its name is answered inside the
    cluster with the gateway's address, so that an application's URL stays as it is. `probe` is for
    HTTPS only.
    """

    name: DnsLabel
    host: Host
    port: Port
    local_port: UnprivilegedPort
    protocol: Protocol = Protocol.TCP
    probe: HttpProbe | None = None
    transparent: bool = False

    @model_validator(mode="after")
    def _probe_by_https(self) -> Self:
        if self.probe is not None and self.protocol is not Protocol.HTTPS:
            refuse(
                "a probe goes with HTTPS only",
                "set protocol: https, or remove it",
                value=self.probe,
            )
        return self

    @property
    def authority(self) -> str:
        """`host:port`, as CONNECT names it (RFC 9110, section 9.3.6)."""
        return f"{self.host}:{self.port}"


def authority(url: str) -> str:
    """The `host:port` of an HTTP URL."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"
