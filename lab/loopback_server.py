"""Serves a stand-in of an HTTP API on loopback, and says where."""

from __future__ import annotations

import socket
import sys

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server


class _QuietHandler(WSGIRequestHandler):
    """Logs method, path and status; never a query, which may name what it should not."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del size
        path = self.path.partition("?")[0].encode("unicode_escape").decode()
        sys.stderr.write(f"{self.log_date_time_string()} {self.command} {path} {code}\n")


def listen(port: int) -> socket.socket:
    """A listener on 127.0.0.1; 0 takes a free port. Raises OSError where it is taken."""
    return socket.create_server(("127.0.0.1", port))


def serve(app: Flask, listener: socket.socket) -> None:
    """Print the URL, then serve until interrupted."""
    port = int(listener.getsockname()[1])
    server = make_server(
        "127.0.0.1",
        port,
        app,
        threaded=True,
        request_handler=_QuietHandler,
        fd=listener.fileno(),
    )
    sys.stdout.write(f"http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
