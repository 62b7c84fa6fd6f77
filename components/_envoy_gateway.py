"""What a worker's gateway carries, to where, and on which ports: checked when it is made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

# RFC 1123 host names, with the underscores that service records and some buckets carry.
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Below it a port needs a capability, which `restricted` drops.
_FIRST_UNPRIVILEGED_PORT = 1024
_LAST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Destination:
    """A host outside the cluster that the gateway has a TCP port for.

    `name` is a DNS label; `host` an IPv4 address or a host name in lower case, which the exit node
    resolves; `local_port` is where the gateway listens for it. ValueError when one is malformed.
    """

    name: str
    host: str
    port: int
    local_port: int

    def __post_init__(self) -> None:
        where = f"destination {self.name!r}"
        _check_name(where, self.name)
        _check_host(where, self.host)
        _check_port(f"{where}: port", self.port, lowest=1)
        _check_port(f"{where}: local port", self.local_port)

    @property
    def authority(self) -> str:
        """`host:port`, as CONNECT names it (RFC 9110, section 9.3.6)."""
        return f"{self.host}:{self.port}"


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

    def __post_init__(self) -> None:
        where = f"exit node {self.name!r}"
        _check_name(where, self.name)
        try:
            IPv4Address(self.tailnet_address)
        except AddressValueError:
            raise ValueError(
                f"{where}: tailnet address {self.tailnet_address!r} is no IPv4 address: "
                "give the one that the tailnet assigned to it"
            ) from None
        _check_port(f"{where}: health port", self.health_port, lowest=1)
        _check_port(f"{where}: HTTP port", self.http_port)
        _check_port(f"{where}: SOCKS5 port", self.socks5_port)


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """One gateway: its destinations, and its exit nodes in order of preference.

    `http_port` and `socks5_port` take general egress and `status_port` the kubelet's probes and
    Prometheus, all in the pod network; `admin_port` is on the pod's loopback. `max_connections`
    bounds the connections of all ports together. ValueError when it could not run.
    """

    destinations: tuple[Destination, ...]
    exit_nodes: tuple[ExitNodeProxy, ...]
    http_port: int
    socks5_port: int
    status_port: int
    admin_port: int
    max_connections: int

    def __post_init__(self) -> None:
        if not self.exit_nodes:
            raise ValueError("a gateway needs an exit node: name at least one")
        if self.max_connections < 1:
            raise ValueError(
                f"max connections {self.max_connections} is below 1: "
                "give the number of connections a node's applications may hold"
            )
        for port in (self.http_port, self.socks5_port, self.status_port, self.admin_port):
            _check_port("gateway: port", port)
        _refuse_twice("destination name", [each.name for each in self.destinations])
        _refuse_twice("exit node name", [each.name for each in self.exit_nodes])
        # One network namespace holds them all, and a port on every address takes loopback's too.
        _refuse_twice(
            "port",
            [
                self.http_port,
                self.socks5_port,
                self.status_port,
                self.admin_port,
                *(each.local_port for each in self.destinations),
                *(each.http_port for each in self.exit_nodes),
                *(each.socks5_port for each in self.exit_nodes),
            ],
        )


def _check_name(where: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{where}: the name is no DNS label: use up to 63 of a-z, 0-9 and - inside"
        )


def _check_host(where: str, host: str) -> None:
    if host.replace(".", "").isdigit():
        try:
            IPv4Address(host)
        except AddressValueError:
            raise ValueError(f"{where}: host {host!r} is no IPv4 address: correct it") from None
    elif not _HOST.fullmatch(host):
        raise ValueError(
            f"{where}: host {host!r} is neither an IPv4 address nor a host name in lower case: "
            "give it without scheme, port or closing dot"
        )


def _check_port(where: str, port: int, *, lowest: int = _FIRST_UNPRIVILEGED_PORT) -> None:
    if not lowest <= port <= _LAST_PORT:
        raise ValueError(f"{where} {port} is not from {lowest} to {_LAST_PORT}: choose one that is")


def _refuse_twice(what: str, values: Iterable[str | int]) -> None:
    seen: set[str | int] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"gateway: {what} {value!r} is given twice: each may be used once")
        seen.add(value)
