"""What the gate's checks talk to, on the loopback: echo, database, storage, proxies, and liars."""

import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Handler = Callable[[socket.socket], None]


@contextmanager
def serving(handler: Handler, at: tuple[str, int] = ("127.0.0.1", 0)) -> Iterator[str]:
    """A server that gives each connection to `handler` in a thread; yields its `host:port`."""

    class _Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            handler(self.request)

    class _Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        # Many connections at once: with a short queue the kernel drops some, and a second is lost.
        request_queue_size = 128
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that goes away in the middle is part of what is tested."""

    with _Server(at, _Connection) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def nobody() -> str:
    """A `host:port` that refuses."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return f"127.0.0.1:{held.getsockname()[1]}"


def http_answer(body: str, status: str = "200 OK") -> Handler:
    """A web server that gives every request this answer."""

    def handle(connection: socket.socket) -> None:
        head_of(connection)
        respond(connection, body, status)

    return handle


def respond(connection: socket.socket, body: str, status: str = "200 OK") -> None:
    """A web server's whole response, and the last one on its connection."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    connection.sendall((head + body).encode())


def says(data: bytes) -> Handler:
    """A server that reads once and answers this, whatever it was asked."""

    def handle(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(data)

    return handle


def silent(connection: socket.socket) -> None:
    """A server that takes all and never answers."""
    while connection.recv(4096):
        pass


def closing(connection: socket.socket) -> None:
    """A gateway's port whose destination refuses: accepted first, closed then."""
    connection.close()


def dripping(connection: socket.socket) -> None:
    """A web server whose answer never ends, a byte at a time: no step of it takes long."""
    wait = threading.Event()
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not wait.wait(0.2):
        connection.sendall(b"x")


def http_proxy(to: str) -> Handler:
    """A proxy that knows CONNECT and absolute-form requests, and leads all of them to one place."""

    def handle(connection: socket.socket) -> None:
        head = head_of(connection)
        with socket.create_connection(_split(to)) as far:
            if head.startswith(b"CONNECT "):
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                far.sendall(head)
            _pump(connection, far)

    return handle


def socks5_proxy(to: str, reply: int = 0) -> Handler:
    """A SOCKS5 proxy that leads all to one place, or refuses with a reply code of RFC 1928."""

    def handle(connection: socket.socket) -> None:
        assert connection.recv(3) == b"\x05\x01\x00"
        connection.sendall(b"\x05\x00")
        assert connection.recv(300)[:3] == b"\x05\x01\x00"
        connection.sendall(bytes([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if reply == 0:
            with socket.create_connection(_split(to)) as far:
                _pump(connection, far)

    return handle


def tls(context: ssl.SSLContext, handler: Handler) -> Handler:
    """The same behind TLS."""

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            handler(secured)

    return handle


def head_of(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        if not piece:
            break
        data += piece
    return data


def _pump(one: socket.socket, other: socket.socket) -> None:
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(4096)
            if not data:
                return
            (other if ready is one else one).sendall(data)


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)
