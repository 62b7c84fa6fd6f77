"""What makes a fleet's egress; its parts take it from here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from ..cluster.network_policy import ClusterNetwork
from ..cluster.toleration import Toleration
from .fleet import EgressTargets, EgressWave, PinnedExitNode
from .tailnet import TailnetAccess


@dataclass(frozen=True, kw_only=True)
class EgressArgs:
    """What makes a fleet's egress.

    `context` is the kubeconfig's; the namespace exists. `exit_nodes` are in order of preference.
    A gate takes `gate_seconds` at the most. With `stop` a gate fails when nobody can say on which
    nodes its wave has gateways, else that is a warning. `excused` are nodes whose gateways need no
    measurement. `uids` are the nodes' uids by name: a machine that has joined again under its old
    name is measured.
    """

    namespace: str
    context: str
    cluster: ClusterNetwork
    service_ranges: tuple[IPv4Network, ...]
    exit_nodes: tuple[PinnedExitNode, ...]
    exit_access: TailnetAccess
    gateway_access: TailnetAccess
    tailscale_image: str
    envoy_image: str
    check_image: str
    targets: EgressTargets
    waves: tuple[EgressWave, ...]
    gate_seconds: int
    tolerations: tuple[Toleration, ...] = ()
    stop: bool = True
    excused: frozenset[str] = frozenset()
    uids: Mapping[str, str] = field(default_factory=dict)
