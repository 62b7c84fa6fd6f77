"""One gateway's Envoy with stand-ins of two exit nodes behind it, as an application meets it."""

import socket
from dataclasses import dataclass
from pathlib import Path

from components.egress.destination import Destination
from components.egress.envoy import READY_PATH
from components.egress.envoy_gateway import Gateway
from tests.unit.envoy_process import status
from tests.unit.tunnel_proxy import TunnelProxy
from workshop.lab.ports import claim


@dataclass(frozen=True)
class Scene:
    """A running Envoy; `preferred` and `second` are its exit nodes, in this order."""

    gateway: Gateway
    preferred: TunnelProxy
    second: TunnelProxy
    log: Path

    @property
    def database(self) -> int:
        """The port of the destination that answers."""
        return self.gateway.destinations[0].local_port

    @property
    def refused(self) -> int:
        """The port of the destination that is down."""
        return self.gateway.destinations[1].local_port

    def ready(self) -> int | None:
        return status(self.gateway.status_port, READY_PATH)

    def reached(self, port: int | None = None) -> str:
        """The name of the tunnel that takes a new connection, "" when it is refused."""
        with socket.create_connection(("127.0.0.1", port or self.database), 10) as connection:
            try:
                return connection.recv(100).decode()
            except ConnectionError:
                return ""

    def reaches(self, name: str, port: int) -> bool:
        """Whether a new connection to that port is taken by the tunnel of that name."""
        return self.reached(port) == name

    def asked(self, request: bytes) -> tuple[str, str]:
        """The status line and the body that the general proxy answers with."""
        with socket.create_connection(("127.0.0.1", self.gateway.http_port), 10) as connection:
            connection.sendall(request)
            received = b""
            while data := connection.recv(4096):
                received += data
                head, _, body = received.partition(b"\r\n\r\n")
                if body:
                    break
        return head.decode().splitlines()[0], body.decode()


def gateway_of(folder: Path, preferred: TunnelProxy, second: TunnelProxy) -> Gateway:
    database, refused, http, socks5, at, admin = (claim(folder) for _ in range(6))
    return Gateway(
        destinations=(
            Destination(name="database", host="db.example", port=5432, local_port=database),
            Destination(name="refused", host="refused.example", port=1, local_port=refused),
        ),
        exit_nodes=(preferred.as_exit_node(), second.as_exit_node()),
        http_port=http,
        socks5_port=socks5,
        status_port=at,
        admin_port=admin,
        max_connections=100,
    )
