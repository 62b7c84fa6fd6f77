"""A fleet's egress as plain values, which the settings give and components take."""

from dataclasses import dataclass

from ..cluster.toleration import Toleration
from .destination import Destination


@dataclass(frozen=True, kw_only=True)
class PinnedExitNode:
    """An exit node and the node it runs on.

    `name` names its resources and its container in the gateways; `node` is the node's
    `kubernetes.io/hostname`; `hostname` is its name in the tailnet and in the cluster;
    `egress_address` is the public address by which its traffic leaves.
    """

    name: str
    node: str
    hostname: str
    egress_address: str
    tolerations: tuple[Toleration, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EgressWave:
    """Nodes whose gateways change together.

    `nodes` are the `kubernetes.io/hostname` labels of those that are measured. With `others`, of
    the last wave, the DaemonSet catches every node that no earlier wave names.
    """

    name: str
    nodes: tuple[str, ...]
    others: bool = False


@dataclass(frozen=True, kw_only=True)
class EgressTargets:
    """What a gateway is measured by.

    Traffic reaches `destinations`, and `egress_ip_url`, which answers with the caller's address in
    plain text, names one of `egress_addresses`.
    """

    destinations: tuple[Destination, ...]
    egress_ip_url: str
    egress_addresses: tuple[str, ...]
