"""`workshop.lab.network.sites --certificate FILE --key FILE`: the lab's web server and database.

Each listens at its own address of the plan, the web server by HTTPS and by plain HTTP.
"""

import argparse
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


def main(arguments: list[str] | None = None) -> int:
    """Serve until ended."""
    parser = argparse.ArgumentParser(
        prog="python -m workshop.lab.network.sites", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    options = parser.parse_args(arguments)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.certificate, options.key)
    Database.tls = tls
    servers = [
        _Server((str(ECHO.address), 443), Echo, tls),
        _Server((str(ECHO.address), 80), Echo, None),
        _Server((str(DATABASE.address), 5432), Database, None),
    ]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
