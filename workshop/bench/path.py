"""A way from an application to a site: how a connection by it is made."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import ECHO
from workshop.testing.network.traffic import http_connect, socks5

SITE_PORT = 80
_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Path:
    """One way; `connect` makes a connection on which the site's web server answers.

    `processes` are the pids of the programs that carry it, by what they are.
    """

    name: str
    connect: Callable[[], socket.socket]
    processes: dict[str, list[int]]


def plain(namespace: Namespace, address: IPv4Address, port: int) -> socket.socket:
    """A connection from this namespace; raises OSError."""
    with namespace.entered():
        connection = socket.create_connection((str(address), port), timeout=_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def by_socks5(namespace: Namespace, address: IPv4Address, port: int) -> socket.socket:
    """A connection to the site by a SOCKS5 proxy at that address; raises OSError."""
    connection = plain(namespace, address, port)
    socks5(connection, ECHO.host, SITE_PORT)
    return connection


def by_http_connect(namespace: Namespace, address: IPv4Address, port: int) -> socket.socket:
    """A connection to the site by an HTTP proxy at that address; raises OSError."""
    connection = plain(namespace, address, port)
    http_connect(connection, ECHO.host, SITE_PORT)
    return connection
