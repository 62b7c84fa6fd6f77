"""A stand-in of one tailscaled's two proxies, with an exit node whose health can be changed."""

import socketserver
import threading
from enum import Enum
from types import TracebackType
from typing import Self

from components.egress.envoy_gateway import ExitNodeProxy

HEALTH_PORT = 9002


class Health(Enum):
    ANSWERS = "answers"
    FAILS = "fails"
    FREEZES = "freezes"


class _HttpProxy(socketserver.StreamRequestHandler):
    """Answers CONNECT and absolute-form GET with the proxy's name, once, and then echoes."""

    def handle(self) -> None:
        tunnel = self.server.owner  # type: ignore[attr-defined]
        request = self._head()
        if not request:
            return
        method, target, _ = request[0].split(" ")
        tunnel.requests.append(tuple(request))
        if target == f"http://{tunnel.tailnet_address}:{HEALTH_PORT}/healthz":
            self._health(tunnel.health, tunnel.thawed)
        elif method == "CONNECT" and target.startswith("refused."):
            self._answer("502 Bad Gateway", b"connection refused")
        elif method == "CONNECT" and tunnel.health is Health.FREEZES:
            tunnel.thawed.wait()
        elif method == "CONNECT":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n" + tunnel.name.encode())
            while data := self.request.recv(4096):
                self.request.sendall(data)
        elif target.startswith("http://"):
            self._answer("200 OK", f"{tunnel.name} {target}".encode())
        else:
            self._answer("400 Bad Request", b"bogus RequestURI; must be absolute URL or CONNECT")

    def _head(self) -> list[str]:
        lines = []
        while line := self.rfile.readline().decode().strip():
            lines.append(line)
        return lines

    def _health(self, health: Health, thawed: threading.Event) -> None:
        if health is Health.FREEZES:
            thawed.wait()
        elif health is Health.FAILS:
            self._answer("502 Bad Gateway", b"")
        else:
            self._answer("200 OK", b"ok")

    def _answer(self, status: str, body: bytes) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.wfile.write(head.encode() + body)


class _NamingPort(socketserver.BaseRequestHandler):
    """Stands for the SOCKS5 port: says whose it is, then echoes what it is sent."""

    def handle(self) -> None:
        self.request.sendall(self.server.owner.name.encode())  # type: ignore[attr-defined]
        while data := self.request.recv(4096):
            self.request.sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    # A handler that waits for its client must not hold up the end of a test.
    block_on_close = False
    allow_reuse_address = True

    def __init__(
        self, owner: "TunnelProxy", port: int, handler: type[socketserver.BaseRequestHandler]
    ) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", port), handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is part of what is tested."""


class TunnelProxy:
    """Listens while it is open; `close` stops it listening, as a tailscaled that died."""

    def __init__(
        self, name: str, tailnet_address: str, http_port: int = 0, socks5_port: int = 0
    ) -> None:
        self.name = name
        self.tailnet_address = tailnet_address
        self.requests: list[tuple[str, ...]] = []
        self.health = Health.ANSWERS
        self.thawed = threading.Event()
        self._servers: list[_Server] = []
        self.http_port, self.socks5_port = http_port, socks5_port

    def as_exit_node(self) -> ExitNodeProxy:
        return ExitNodeProxy(
            name=self.name,
            tailnet_address=self.tailnet_address,
            health_port=HEALTH_PORT,
            http_port=self.http_port,
            socks5_port=self.socks5_port,
        )

    def open(self) -> Self:
        self._servers = [
            _Server(self, self.http_port, _HttpProxy),
            _Server(self, self.socks5_port, _NamingPort),
        ]
        self.http_port, self.socks5_port = (each.server_address[1] for each in self._servers)
        for each in self._servers:
            threading.Thread(target=each.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def set_health(self, health: Health) -> None:
        """What the exit node's health endpoint does from now on; frozen questions end here."""
        self.health = health
        self.thawed.set()
        self.thawed = threading.Event()

    def close(self) -> None:
        self.thawed.set()
        for each in self._servers:
            each.shutdown()
            each.server_close()
        self._servers = []

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
