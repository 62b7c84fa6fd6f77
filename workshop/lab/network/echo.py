"""A public web server that says who asks: GET /ip, GET /bytes/N, and PUT for a checksum.

GET /ip is what ipinfo.io does; the other two are for moving much: N bytes of a fixed pattern, and
the SHA-256, in hex, of a body.
"""

import hashlib
from http.server import BaseHTTPRequestHandler

PIECE = bytes(range(256)) * 256
"""The pattern of `/bytes/N`, repeated: 64 KiB."""


class Echo(BaseHTTPRequestHandler):
    """One connection to the server; HTTP/1.1 with connections kept."""

    protocol_version = "HTTP/1.1"
    # Headers and body in one segment, or Nagle's algorithm would wait between them.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """The caller's address, or a number of bytes."""
        if self.path.startswith("/bytes/") and self.path.removeprefix("/bytes/").isdigit():
            self._send_pattern(int(self.path.removeprefix("/bytes/")))
        elif self.path in ("/ip", "/"):
            self._answer(f"{self.client_address[0]}\n".encode())
        else:
            self.send_error(404)

    def do_PUT(self) -> None:
        """The checksum of what comes."""
        left = int(self.headers.get("Content-Length", "0"))
        digest = hashlib.sha256()
        while left:
            piece = self.rfile.read(min(left, 1 << 20))
            if not piece:
                return
            digest.update(piece)
            left -= len(piece)
        self._answer(f"{digest.hexdigest()}\n".encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_pattern(self, count: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(count))
        self.end_headers()
        for _ in range(count // len(PIECE)):
            self.wfile.write(PIECE)
        self.wfile.write(PIECE[: count % len(PIECE)])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its own name for it
        """Say nothing: a test asks thousands of times."""
