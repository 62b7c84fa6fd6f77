"""What a worker's gateway carries, to where, and on which ports."""

from dataclasses import dataclass

from .destination import Destination


@dataclass(frozen=True, kw_only=True)
class ExitNodeProxy:
    """The tailscaled in the gateway's pod that sends what it is given through one exit node.

    `tailnet_address` is the exit node's own IPv4 address, where it answers `/healthz` on
    `health_port`; `http_port` and `socks5_port` are tailscaled's proxies on the pod's loopback.
    """

    name: str
    tailnet_address: str
    health_port: int
    http_port: int
    socks5_port: int


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """One gateway: its destinations, and its exit nodes in order of preference.

    `http_port` and `socks5_port` take general egress and `status_port` the kubelet's probes and
    Prometheus, all in the pod network; `admin_port` is on the pod's loopback. `max_connections`
    bounds the connections of all ports together.
    """

    destinations: tuple[Destination, ...]
    exit_nodes: tuple[ExitNodeProxy, ...]
    http_port: int
    socks5_port: int
    status_port: int
    admin_port: int
    max_connections: int
