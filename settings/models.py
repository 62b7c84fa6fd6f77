"""The settings' shape, one class a config key."""

from enum import StrEnum
from ipaddress import IPv4Address
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from components.cluster.labels import HOSTNAME_LABEL, LONGEST_LABEL
from components.egress.fleet import EgressTargets, EgressWave, PinnedExitNode
from components.egress.tailnet_choices import CredentialKind, PolicyFile
from components.firewall.admitted_range import AdmittedRange
from components.monitoring.options import MonitoringOptions
from components.values.fields import (
    Address,
    Day,
    DnsLabel,
    DnsName,
    Labels,
    Network,
    PinnedImage,
    refuse,
)
from components.values.model import StrictModel, refuse_twice
from settings.cluster import ClusterSettings
from settings.egress import EgressSettings, Wave
from settings.exit_nodes import ExitNodeSettings, unique_exit_nodes
from settings.external_secrets import ExternalSecretsSettings
from settings.firewall import FirewallSettings, address_range
from settings.rendered import destination_names, gateway_ports, namespace_objects, refuse_longer

# Wider than any network that Tailscale publishes: TCP to all of it goes past the exit node.
_SHORTEST_SERVICE_RANGE = 16


class FleetNode(StrictModel):
    """A node of the fleet; `address` is the one it has in its own network.

    `labels` are set on it, and taken off again when it leaves the settings. `console_confirmed` is
    the day on which somebody last logged in at its console: the way in when its network is gone.
    """

    name: DnsLabel
    address: Address
    kubernetes_name: DnsName | None = None
    labels: Labels = Field(default_factory=dict)
    console_confirmed: Day | None = None

    @property
    def hostname(self) -> str:
        """The node's name in the cluster, the value of its `kubernetes.io/hostname` label."""
        return self.kubernetes_name or self.name


def _narrow_ranges(ranges: tuple[Network, ...]) -> tuple[Network, ...]:
    if not ranges:
        refuse(
            "no range, so that no gateway could log in",
            "list those of the tailnet's control plane; Pulumi.prod.yaml has Tailscale's",
            value=[],
        )
    for index, network in enumerate(ranges):
        if network.prefixlen < _SHORTEST_SERVICE_RANGE:
            refuse(
                f"wider than /{_SHORTEST_SERVICE_RANGE}, and open to gateways past the exit node",
                "list only the addresses of the tailnet's control plane and relays",
                key=f"tailnet.serviceRanges[{index}]",
                value=str(network),
            )
    return ranges


class TailnetSettings(StrictModel):
    """How pods join the tailnet.

    `service_ranges` are the addresses of its control plane and relays: all that a gateway may
    reach by TCP without the tunnel.
    """

    image: PinnedImage
    credential: CredentialKind
    policy_file: PolicyFile
    service_ranges: Annotated[tuple[Network, ...], AfterValidator(_narrow_ranges)]


def _unique_nodes(nodes: tuple[FleetNode, ...]) -> tuple[FleetNode, ...]:
    for field in ("name", "hostname", "address"):
        refuse_twice("nodes", field, [str(getattr(node, field)) for node in nodes])
    for index, node in enumerate(nodes):
        refuse_longer(
            LONGEST_LABEL,
            f"it is the value of the label {HOSTNAME_LABEL}",
            key=f"nodes[{index}].kubernetesName",
            value=node.hostname,
        )
        if HOSTNAME_LABEL in node.labels:
            refuse(
                "the kubelet sets it, and gateways find their nodes by it",
                "give the node's name in the cluster as kubernetesName",
                key=f"nodes[{index}].labels",
                value=HOSTNAME_LABEL,
            )
    return nodes


class OnFailure(StrEnum):
    """What a failed check of the preflight does to a preview or an update."""

    WARN = "warn"
    STOP = "stop"


class PreflightSettings(StrictModel):
    """The checks that run before anything changes; see docs/preflight.md."""

    on_failure: OnFailure = OnFailure.STOP


class Settings(StrictModel):
    cluster: ClusterSettings
    nodes: Annotated[tuple[FleetNode, ...], AfterValidator(_unique_nodes)]
    tailnet: TailnetSettings
    egress: EgressSettings
    firewall: FirewallSettings
    external_secrets: ExternalSecretsSettings | None = None
    exit_nodes: Annotated[tuple[ExitNodeSettings, ...], AfterValidator(unique_exit_nodes)]
    preflight: PreflightSettings = PreflightSettings()
    monitoring: MonitoringOptions = MonitoringOptions()

    @model_validator(mode="after")
    def _names_apart(self) -> Self:
        destinations = self.egress.destinations
        transparent = [destination.name for destination in destinations if destination.transparent]
        taken = namespace_objects((wave.name for wave in self.egress.waves), transparent)
        for index, exit_node in enumerate(self.exit_nodes):
            if exit_node.hostname in taken:
                refuse(
                    "the name of another object in the gateways' namespace",
                    "choose another",
                    key=f"exitNodes[{index}].hostname",
                    value=exit_node.hostname,
                )
        hostnames = [exit_node.hostname for exit_node in self.exit_nodes]
        others = destination_names([destination.name for destination in destinations], hostnames)
        ports = gateway_ports([exit_node.node for exit_node in self.exit_nodes])
        for index, destination in enumerate(destinations):
            key = f"egress.destinations[{index}]"
            if owner := others.get(destination.name):
                refuse(
                    f"the name of {owner}",
                    "choose another",
                    key=f"{key}.name",
                    value=destination.name,
                )
            if owner := ports.get(destination.local_port):
                refuse(
                    f"the port of {owner}",
                    "choose another, such as 10000 and the destination's own port",
                    key=f"{key}.localPort",
                    value=destination.local_port,
                )
        return self

    @model_validator(mode="after")
    def _addresses_apart(self) -> Self:
        for index, node in enumerate(self.nodes):
            self.cluster.refuse_inside(f"nodes[{index}].address", node.address)
        nodes = {node.address for node in self.nodes}
        nodes |= {server.address for server in self.cluster.api_server or ()}
        for index, destination in enumerate(self.egress.destinations):
            key = f"egress.destinations[{index}].host"
            if not destination.host.rpartition(".")[2].isdigit():
                continue
            address = IPv4Address(destination.host)
            self.cluster.refuse_inside(key, address)
            if address in nodes:
                refuse(
                    "the address of a node or of an API server, which no exit node may reach",
                    "name a host outside the cluster",
                    key=key,
                    value=destination.host,
                )
            if any(address in network for network in self.tailnet.service_ranges):
                refuse(
                    "it lies in tailnet.serviceRanges, so that traffic could go past the exit node",
                    "take it out of those ranges",
                    key=key,
                    value=destination.host,
                )
        return self

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

    @model_validator(mode="after")
    def _rules_stand_apart(self) -> Self:
        self.firewall.refuse_overlap_with(
            {
                f"exitNodes[{index}].egressAddress": address_range(exit_node.egress_address)
                for index, exit_node in enumerate(self.exit_nodes)
            }
        )
        return self

    @property
    def egress_ranges(self) -> dict[str, tuple[str, ...]]:
        """The exit nodes' addresses, as a firewall lists them, each with the nodes behind it."""
        nodes: dict[str, tuple[str, ...]] = {}
        for exit_node in self.exit_nodes:
            cidr = address_range(exit_node.egress_address)
            nodes[cidr] = (*nodes.get(cidr, ()), exit_node.node)
        return nodes

    @property
    def egress_targets(self) -> EgressTargets:
        return EgressTargets(
            destinations=self.egress.destinations,
            egress_ip_url=self.egress.egress_ip_url,
            egress_addresses=tuple(str(exit_node.egress_address) for exit_node in self.exit_nodes),
        )

    @property
    def pinned_exit_nodes(self) -> tuple[PinnedExitNode, ...]:
        """The exit nodes, each with its node's name in the cluster."""
        return tuple(
            PinnedExitNode(
                name=exit_node.node,
                node=self.node(exit_node.node).hostname,
                hostname=exit_node.hostname,
                egress_address=str(exit_node.egress_address),
                tolerations=exit_node.tolerations,
            )
            for exit_node in self.exit_nodes
        )

    def egress_waves(self, unnamed: tuple[str, ...]) -> tuple[EgressWave, ...]:
        """The waves; the last one catches, and measures, `unnamed` nodes of the cluster as well."""
        return tuple(
            EgressWave(
                name=wave.name,
                nodes=tuple(node.hostname for node in self.wave_nodes(wave))
                + (unnamed if wave.nodes is None else ()),
                others=wave.nodes is None,
            )
            for wave in self.egress.waves
        )

    def admitted_ranges(self, stack: str) -> tuple[AdmittedRange, ...]:
        """The egress ranges as rules of the firewall; `stack` names the stack in descriptions."""
        return tuple(
            AdmittedRange(cidr=cidr, description=f"oceanid {stack}: exit node {', '.join(nodes)}")
            for cidr, nodes in self.egress_ranges.items()
        )

    def wave_nodes(self, wave: Wave) -> tuple[FleetNode, ...]:
        """The nodes of a wave; for the last one those of the settings that no other names."""
        if wave.nodes is not None:
            return tuple(self.node(name) for name in wave.nodes)
        named = {name for other in self.egress.waves for name in other.nodes or ()}
        return tuple(node for node in self.nodes if node.name not in named)

    def node(self, name: str) -> FleetNode:
        """The node of that name; the settings have been checked to have it."""
        return next(node for node in self.nodes if node.name == name)
