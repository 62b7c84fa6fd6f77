"""`workshop.lab.network.sites --certificate FILE --key FILE`: the lab's web server and database.

Each listens at its own address of the plan, the web server by HTTPS and by plain HTTP. With
`--front ADDRESS=PORT`, HTTPS at that address leads to the stand-in on that loopback port.
"""

import argparse
import contextlib
import shutil
import socket
import socketserver
import ssl
import sys
import threading
from typing import Any

from workshop.lab.network.database import Database
from workshop.lab.network.echo import Echo
from workshop.lab.network.plan import DATABASE, ECHO


class _Server(socketserver.ThreadingTCPServer):
    """Threads that end with the process; a TLS handshake never holds up the next client."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[socketserver.BaseRequestHandler],
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(address, handler)
        self._tls = tls

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  as given
        """In the connection's own thread."""
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        with self._tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401  as given
        """What TLS has taken over is closed already."""
        if request.fileno() >= 0:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  as given
        """Clients come and go: one line, no traceback."""
        del request
        sys.stderr.write(f"{client_address[0]}: {sys.exc_info()[1]}\n")


class _Front(socketserver.StreamRequestHandler):
    """TLS in front of a server on loopback; `port` is that server's."""

    # What has come is passed on at once, however little it is.
    rbufsize = 0
    port: int

    def handle(self) -> None:
        """Pass everything on, both ways, to the connection's end."""
        with socket.create_connection(("127.0.0.1", self.port)) as behind:
            back = threading.Thread(
                target=_copied, args=(behind.makefile("rb", 0), self.wfile), daemon=True
            )
            back.start()
            _copied(self.rfile, behind.makefile("wb", 0))
            behind.shutdown(socket.SHUT_WR)
            back.join()


def _copied(source: Any, target: Any) -> None:  # noqa: ANN401  files of sockets
    with contextlib.suppress(OSError):
        shutil.copyfileobj(source, target)


def main(arguments: list[str] | None = None) -> int:
    """Serve until ended."""
    parser = argparse.ArgumentParser(
        prog="python -m workshop.lab.network.sites", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--front", action="append", default=[], metavar="ADDRESS=PORT")
    options = parser.parse_args(arguments)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.certificate, options.key)
    Database.tls = tls
    servers = [
        _Server((str(ECHO.address), 443), Echo, tls),
        _Server((str(ECHO.address), 80), Echo, None),
        _Server((str(DATABASE.address), 5432), Database, None),
    ]
    for address, _, port in (each.partition("=") for each in options.front):
        front = type("_FrontOf", (_Front,), {"port": int(port)})
        servers.append(_Server((address, 443), front, tls))
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
