"""What applications in the lab do: ask the sites who they are, through a gateway or past it.

Everything is measured from inside a pod's namespace; names are resolved by the proxies only, as
the lab's names mean nothing to the machine that runs it.
"""

import hashlib
import http.client
import socket
import ssl
import struct
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Self

from components.cluster.ports import HTTP_PORT, SOCKS5_PORT
from workshop.lab.network.echo import PIECE
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import DATABASE, ECHO, S3

DATABASE_PORT, S3_PORT = 15432, 15443
# The first tailscaled's own proxies, in the gateway's pod.
LOOPBACK = IPv4Address("127.0.0.1")
OWN_HTTP_PORT, OWN_SOCKS5_PORT = 11080, 12080
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_SECONDS = 6.0
_STEADY, _STEADY_PAUSE_SECONDS = 30, 0.1


@dataclass(frozen=True, kw_only=True)
class Client:
    """An application in the network of a pod, using a gateway at `gateway`."""

    network: Namespace
    gateway: IPv4Address
    tls: ssl.SSLContext
    socks5_port: int = SOCKS5_PORT

    def connect(self, port: int) -> socket.socket:
        """A connection to a port of the gateway; raises OSError."""
        with self.network.entered():
            return socket.create_connection((str(self.gateway), port), timeout=_SECONDS)

    def _https(self, host: str, *, seconds: float = _SECONDS) -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection(
            str(self.gateway), HTTP_PORT, timeout=seconds, context=self.tls
        )
        connection.set_tunnel(host, 443)
        with self.network.entered():
            try:
                connection.connect()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                raise OSError(str(error)) from None
        return connection

    def address_by_http_proxy(self, *, seconds: float = _SECONDS) -> str:
        """The address that the echo sees, by HTTP CONNECT; raises OSError."""
        return _ask(self._https(ECHO.host, seconds=seconds))

    def seen_address(self) -> str | None:
        """As `address_by_http_proxy`, and None where nothing gets through."""
        try:
            return self.address_by_http_proxy()
        except OSError:
            return None

    def is_steady(self) -> bool:
        """Whether one connection a tenth of a second gets through, for three seconds.

        A tunnel whose path has gone tries several before it stays with one.
        """
        for _ in range(_STEADY):
            if self.seen_address() is None:
                return False
            time.sleep(_STEADY_PAUSE_SECONDS)
        return True

    def address_by_socks5(self) -> str:
        """The address that the echo sees, by SOCKS5; raises OSError."""
        with self.connect(self.socks5_port) as raw:
            socks5(raw, ECHO.host, 443)
            connection = http.client.HTTPSConnection(ECHO.host, context=self.tls)
            connection.sock = self.tls.wrap_socket(raw, server_hostname=ECHO.host)
            return _ask(connection)

    def address_by_database(self) -> str:
        """The address that the database sees, by its own port of the gateway; raises OSError."""
        with (
            self.connect(DATABASE_PORT) as raw,
            Session.open(raw, self.tls) as session,
        ):
            return session.client_address()

    def s3_status(self) -> int:
        """The status of S3's answer to a listing, by its own port of the gateway."""
        with (
            self.connect(S3_PORT) as raw,
            self.tls.wrap_socket(raw, server_hostname=S3.host) as secured,
        ):
            connection = http.client.HTTPSConnection(S3.host)
            connection.sock = secured
            connection.request("GET", "/", headers={"Connection": "close"})
            return connection.getresponse().status

    def reaches(self, host: str, port: int) -> bool:
        """Whether the gateway's SOCKS5 port gives a connection to that address."""
        try:
            with self.connect(self.socks5_port) as raw:
                socks5(raw, host, port)
                # A gateway may say yes before the far side has: only an answer proves anything.
                raw.sendall(b"GET /ip HTTP/1.0\r\n\r\n")
                return raw.recv(1) != b""
        except OSError:
            return False

    def download(self, count: int) -> str:
        """The SHA-256 of `count` bytes from the echo through the tunnel."""
        connection = self._https(ECHO.host, seconds=60)
        try:
            connection.request("GET", f"/bytes/{count}")
            answer = connection.getresponse()
            digest = hashlib.sha256()
            while piece := answer.read(1 << 20):
                digest.update(piece)
            return digest.hexdigest()
        finally:
            connection.close()

    def upload(self, data: bytes) -> str:
        """The SHA-256 that the echo makes of `data`."""
        connection = self._https(ECHO.host, seconds=60)
        try:
            connection.request("PUT", "/", body=data)
            return connection.getresponse().read().decode().strip()
        finally:
            connection.close()


@dataclass(kw_only=True)
class Session:
    """A session with the database, as a PostgreSQL client has it with `sslmode=verify-full`."""

    connection: ssl.SSLSocket

    @classmethod
    def open(cls, raw: socket.socket, tls: ssl.SSLContext) -> "Session":
        """On a connection; raises OSError, as ssl.SSLError where the certificate is another's."""
        raw.sendall(_SSL_REQUEST)
        if raw.recv(1) != b"S":
            raise OSError("no S in answer to SSLRequest")
        session = cls(connection=tls.wrap_socket(raw, server_hostname=DATABASE.host))
        try:
            startup = struct.pack("!i", 196608) + b"user\0oceanid\0\0"
            session.connection.sendall(struct.pack("!i", len(startup) + 4) + startup)
            session.until_ready()
        except BaseException:
            session.connection.close()
            raise
        return session

    def client_address(self) -> str:
        """What `select inet_client_addr()` gives."""
        self.ask("select inet_client_addr()")
        row = self.until_ready()[b"D"]
        (length,) = struct.unpack("!i", row[2:6])
        return row[6 : 6 + length].decode()

    def ask(self, query: str) -> None:
        """Send a query, without waiting for its answer."""
        text = query.encode() + b"\0"
        self.connection.sendall(b"Q" + struct.pack("!i", len(text) + 4) + text)

    def until_ready(self) -> dict[bytes, bytes]:
        """The bodies of the messages up to ReadyForQuery, by their kind."""
        found: dict[bytes, bytes] = {}
        while b"Z" not in found:
            kind = self._exactly(1)
            (length,) = struct.unpack("!i", self._exactly(4))
            found[kind] = self._exactly(length - 4)
        return found

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.connection.recv(count - len(data))
            if not piece:
                raise OSError("the database closed the connection")
            data += piece
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def pattern(count: int) -> bytes:
    """The bytes that the echo sends for `/bytes/count`."""
    return (PIECE * (count // len(PIECE) + 1))[:count]


def _ask(connection: http.client.HTTPSConnection) -> str:
    try:
        connection.request("GET", "/ip")
        answer = connection.getresponse()
        if answer.status != 200:
            raise OSError(f"HTTP {answer.status}")
        return answer.read().decode().strip()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from None
    finally:
        connection.close()


def socks5(raw: socket.socket, host: str, port: int) -> None:
    """Ask a SOCKS5 proxy on this connection for that host; raises OSError."""
    raw.sendall(b"\x05\x01\x00")
    if raw.recv(2) != b"\x05\x00":
        raise OSError("no SOCKS5")
    name = host.encode()
    raw.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + struct.pack("!H", port))
    answer = raw.recv(10)
    if len(answer) < 2 or answer[1] != 0:
        raise OSError(f"SOCKS5 reply {answer[1:2].hex() or 'none'}")


def http_connect(raw: socket.socket, host: str, port: int) -> None:
    """Ask an HTTP proxy on this connection for that host; raises OSError."""
    authority = f"{host}:{port}"
    raw.sendall(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
    response = b""
    # No server here speaks before it is asked, so that large pieces hold the response only.
    while not response.endswith(b"\r\n\r\n"):
        piece = raw.recv(4096)
        if not piece:
            raise OSError("the proxy closed the connection")
        response += piece
    if int(response.split()[1]) != http.client.OK:
        raise OSError(f"the proxy answered {response[:60]!r}")
