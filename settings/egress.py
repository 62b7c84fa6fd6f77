"""The worker gateways: what they carry, and in which order nodes get a change."""

from collections.abc import Sequence
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from components.egress.destination import Destination
from components.values.fields import DnsLabel, HttpUrl, PinnedImage, check_host, refuse
from components.values.model import StrictModel, refuse_twice
from settings.rendered import LONGEST_TRANSPARENT, LONGEST_WAVE, MOST_DESTINATIONS, refuse_longer
from settings.tolerations import GatewayTolerations
from settings.transparent import check_transparent

_DNS_PORT = 53


def _unique_destinations(destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
    """Refuse destinations of one name or port, and transparent ones that DNS cannot answer."""
    if len(destinations) > MOST_DESTINATIONS:
        refuse(
            f"more than {MOST_DESTINATIONS}, which fill the ConfigMap of a gateway",
            "list fewer, and reach the others by the gateway's proxies",
            key="egress.destinations",
            value=len(destinations),
        )
    for field in ("name", "local_port"):
        values = [str(getattr(destination, field)) for destination in destinations]
        refuse_twice("egress.destinations", field, values)
    transparent: dict[tuple[str, int], str] = {}
    for index, destination in enumerate(destinations):
        key = f"egress.destinations[{index}]"
        if destination.port == _DNS_PORT:
            refuse(
                "the gateways' NetworkPolicy admits it to any address, for DNS: traffic could go "
                "past the exit node",
                "reach the host at another port, such as 853 for DNS over TLS",
                key=f"{key}.port",
                value=destination.port,
            )
        if destination.transparent:
            check_transparent(destination.host, key)
            refuse_longer(
                LONGEST_TRANSPARENT,
                "its Service is named to-NAME",
                key=f"{key}.name",
                value=destination.name,
            )
            other = transparent.setdefault((destination.host, destination.port), destination.name)
            if other != destination.name:
                refuse(
                    f"{other} is transparent at the same port of {destination.host}",
                    "a port of a host can lead to one destination only, so remove one",
                    key=f"{key}.port",
                    value=destination.port,
                )
        elif behind := _answered_by_gateway(destination.host, destinations):
            refuse(
                f"the cluster's DNS answers it with the gateway's address, for {behind.name}",
                "add transparent: true here, or remove it there",
                key=f"{key}.host",
                value=destination.host,
            )
    return destinations


def _answered_by_gateway(host: str, destinations: Sequence[Destination]) -> Destination | None:
    """The transparent destination for which the cluster's DNS answers `host`, if there is one."""
    return next(
        (
            destination
            for destination in destinations
            if destination.transparent and f".{host}".endswith(f".{destination.host}")
        ),
        None,
    )


class Wave(StrictModel):
    """A group of nodes that change together; `nodes` is left out in the last wave only."""

    name: DnsLabel
    nodes: tuple[DnsLabel, ...] | None = None


def _well_ordered_waves(waves: tuple[Wave, ...]) -> tuple[Wave, ...]:
    if not waves or waves[-1].nodes is not None:
        refuse(
            "the last wave must catch every node not named before, new ones included",
            "end the list with a wave without nodes",
            key="egress.waves",
            value=[wave.name for wave in waves],
        )
    refuse_twice("egress.waves", "name", [wave.name for wave in waves])
    for index, wave in enumerate(waves):
        refuse_longer(
            LONGEST_WAVE,
            "its gate's Job is named oceanid-check-NAME and 11 characters",
            key=f"egress.waves[{index}].name",
            value=wave.name,
        )
    seen: set[str] = set()
    for index, wave in enumerate(waves[:-1]):
        key = f"egress.waves[{index}].nodes"
        if not wave.nodes:
            refuse("names no node", "name at least one node", key=key, value=[])
        if index == 0 and len(wave.nodes) > 1:
            refuse(
                "the first wave is the canary",
                "name one node, and the others in later waves",
                key=key,
                value=list(wave.nodes),
            )
        for name in wave.nodes:
            if name in seen:
                refuse("given twice", "a node belongs to one wave", key=key, value=name)
            seen.add(name)
    return waves


def _outside_host(url: str) -> str:
    check_host(str(urlsplit(url).hostname))
    return url


class EgressSettings(StrictModel):
    """The gateways of all nodes.

    `egress_ip_url` answers with the caller's address, in plain text: the gate compares it.
    `tolerations` are the taints of nodes that gateways, and the gates' checks, may ignore.
    """

    envoy_image: PinnedImage
    check_image: PinnedImage
    egress_ip_url: Annotated[HttpUrl, AfterValidator(_outside_host)]
    destinations: Annotated[tuple[Destination, ...], AfterValidator(_unique_destinations)]
    waves: Annotated[tuple[Wave, ...], AfterValidator(_well_ordered_waves)]
    gate_seconds: Annotated[int, Field(ge=10, le=3600)] = 300
    tolerations: GatewayTolerations = ()

    @model_validator(mode="after")
    def _egress_ip_outside(self) -> Self:
        host = str(urlsplit(self.egress_ip_url).hostname)
        if behind := _answered_by_gateway(host, self.destinations):
            refuse(
                f"the cluster's DNS answers it with the gateway's address, for {behind.name}",
                "name another service, or remove transparent there",
                key="egress.egressIpUrl",
                value=self.egress_ip_url,
            )
        return self
