"""The settings' shape, one class a config key."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from settings.base import SettingGroup, refuse_twice
from settings.external_secrets import ExternalSecrets
from settings.fields import (
    Address,
    Day,
    DnsLabel,
    DnsName,
    HostEndpoint,
    HttpUrl,
    Network,
    PinnedImage,
    Port,
    UnprivilegedPort,
    refuse,
)
from settings.firewall import Firewall
from settings.monitoring import Monitoring
from settings.preflight import Preflight


class CredentialKind(StrEnum):
    """What the pods log in to the tailnet with."""

    # An auth key dies after 90 days at the latest, and takes the next restart with it.
    OAUTH_CLIENT = "oauth-client"
    AUTH_KEY = "auth-key"


class PolicyFile(StrEnum):
    """Whether this stack owns the tailnet's policy file, which it then owns whole."""

    NOT_OWNED = "not-owned"
    OWNED = "owned"


class Cluster(SettingGroup):
    """The cluster the stack is for."""

    context: str = Field(min_length=1)
    identifier: DnsLabel
    pod_cidr: Network
    service_cidr: Network
    api_server: HostEndpoint


class Node(SettingGroup):
    """A node of the fleet; `address` is the one it has in its own network.

    `labels` are set on it, and taken off again when it leaves the settings. `console_confirmed` is
    the day on which somebody last logged in at its console: the way in when its network is gone.
    """

    name: DnsLabel
    address: Address
    kubernetes_name: DnsName | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    console_confirmed: Day | None = None

    @property
    def hostname(self) -> str:
        """The node's name in the cluster, the value of its `kubernetes.io/hostname` label."""
        return self.kubernetes_name or self.name


class Tailnet(SettingGroup):
    """How pods join the tailnet.

    `service_ranges` are the addresses of its control plane and relays: all that a gateway may
    reach by TCP without the tunnel.
    """

    image: PinnedImage
    credential: CredentialKind
    policy_file: PolicyFile
    service_ranges: tuple[Network, ...]


class Protocol(StrEnum):
    """What a destination speaks, which decides how the gate asks it."""

    TCP = "tcp"
    POSTGRES = "postgres"
    S3 = "s3"


class Destination(SettingGroup):
    """A host outside the cluster that the fleet reaches by its egress address.

    The gateway listens for it on `local_port`. With `transparent`, its name is answered inside the
    cluster with the gateway's address, so that an application's URL stays as it is.
    """

    name: DnsLabel
    host: DnsName
    port: Port
    local_port: UnprivilegedPort
    protocol: Protocol = Protocol.TCP
    transparent: bool = False


class Wave(SettingGroup):
    """A group of nodes that change together; `nodes` is left out in the last wave only."""

    name: DnsLabel
    nodes: tuple[DnsLabel, ...] | None = None


def _unique_destinations(destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
    for field in ("name", "local_port"):
        refuse_twice(
            "egress.destinations", field, [str(getattr(each, field)) for each in destinations]
        )
    for index, each in enumerate(destinations):
        if each.transparent and each.host.rpartition(".")[2].isdigit():
            refuse(
                "an address cannot be answered by DNS",
                "give the destination's name, or leave transparent out",
                key=f"egress.destinations[{index}].host",
                value=each.host,
            )
    return destinations


def _well_ordered_waves(waves: tuple[Wave, ...]) -> tuple[Wave, ...]:
    if not waves or waves[-1].nodes is not None:
        refuse(
            "the last wave must catch every node not named before, new ones included",
            "end the list with a wave without nodes",
            key="egress.waves",
            value=[wave.name for wave in waves],
        )
    refuse_twice("egress.waves", "name", [wave.name for wave in waves])
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


class Egress(SettingGroup):
    """The worker gateways: what they carry, and in which order nodes get a change.

    `echo_url` answers with the caller's address, in plain text, and is the gate's measure.
    """

    envoy_image: PinnedImage
    check_image: PinnedImage
    echo_url: HttpUrl
    destinations: Annotated[tuple[Destination, ...], AfterValidator(_unique_destinations)]
    waves: Annotated[tuple[Wave, ...], AfterValidator(_well_ordered_waves)]
    gate_seconds: Annotated[int, Field(ge=10, le=3600)] = 300


class ExitNode(SettingGroup):
    """An exit node: the node it is pinned to, its name in the tailnet, its public address."""

    node: DnsLabel
    hostname: DnsLabel
    egress_address: Address


def _unique_nodes(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    for field in ("name", "hostname", "address"):
        refuse_twice("nodes", field, [str(getattr(node, field)) for node in nodes])
    return nodes


def _unique_exit_nodes(exit_nodes: tuple[ExitNode, ...]) -> tuple[ExitNode, ...]:
    if not exit_nodes:
        refuse(
            "no exit node",
            "list at least one node whose address the database admits",
            value=[],
        )
    for field in ("node", "hostname"):
        refuse_twice("exitNodes", field, [getattr(each, field) for each in exit_nodes])
    return exit_nodes


class Settings(SettingGroup):
    """All settings of a stack."""

    cluster: Cluster
    nodes: Annotated[tuple[Node, ...], AfterValidator(_unique_nodes)]
    tailnet: Tailnet
    egress: Egress
    firewall: Firewall
    external_secrets: ExternalSecrets | None = None
    exit_nodes: Annotated[tuple[ExitNode, ...], AfterValidator(_unique_exit_nodes)]
    preflight: Preflight = Preflight()
    monitoring: Monitoring = Monitoring()

    @model_validator(mode="after")
    def _named_nodes_exist(self) -> Self:
        names = {node.name for node in self.nodes}
        named = [
            *(
                (f"exitNodes[{index}].node", exit_node.node)
                for index, exit_node in enumerate(self.exit_nodes)
            ),
            *(
                (f"egress.waves[{index}].nodes", name)
                for index, wave in enumerate(self.egress.waves)
                for name in wave.nodes or ()
            ),
        ]
        for key, name in named:
            if name not in names:
                refuse(
                    "not one of the fleet's nodes",
                    f"name one of {', '.join(sorted(names)) or 'the nodes under nodes'}",
                    key=key,
                    value=name,
                )
        return self

    def wave_nodes(self, wave: Wave) -> tuple[Node, ...]:
        """The nodes of a wave; for the last one those of the settings that no other names."""
        if wave.nodes is not None:
            return tuple(self.node(name) for name in wave.nodes)
        named = {name for each in self.egress.waves for name in each.nodes or ()}
        return tuple(node for node in self.nodes if node.name not in named)

    def node(self, name: str) -> Node:
        """The node of that name; the settings have been checked to have it."""
        return next(node for node in self.nodes if node.name == name)
