"""Serves a stand-in of an HTTP API on loopback, and says where."""

import argparse
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from workshop.lab.private_file import write_private
from workshop.lab.refusal import Refusal


class _QuietHandler(WSGIRequestHandler):
    """Logs method, path and status; never a query, which may name what it should not."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del size
        path = self.path.partition("?")[0].encode("unicode_escape").decode()
        sys.stderr.write(f"{self.log_date_time_string()} {self.command} {path} {code}\n")


def options_of(name: str) -> argparse.ArgumentParser:
    """The options that every stand-in has; `name` is its module's in `workshop.lab`."""
    parser = argparse.ArgumentParser(
        prog=f"python -m workshop.lab.{name}",
        description="Serve the stand-in on loopback until it is ended.",
        allow_abbrev=False,
    )
    parser.add_argument("--port", type=int, required=True, help="0 takes a free port")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument(
        "--credentials", type=Path, required=True, help="holds the API key; made at first use"
    )
    return parser


def run(
    parser: argparse.ArgumentParser,
    app: Callable[[argparse.Namespace], Flask],
    arguments: list[str] | None = None,
) -> int:
    """Serve until ended; 1 and one line where a file or the port cannot be used."""
    options = parser.parse_args(arguments)
    try:
        served = app(options)
        listener = socket.create_server(("127.0.0.1", options.port))
    except (OSError, ValueError, Refusal) as error:
        sys.stderr.write(f"{parser.prog.rpartition(' ')[2].partition('.')[2]}: {error}\n")
        return 1
    _serve(served, listener)
    return 0


def kept_key(path: Path, make: Callable[[], str]) -> str:
    """The API key kept in `path` (mode 0600), made at first use."""
    if not path.exists():
        write_private(path, make() + "\n")
    return path.read_text().strip()


def _serve(app: Flask, listener: socket.socket) -> None:
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
