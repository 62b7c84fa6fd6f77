"""A database as a client's connection sees it: TLS by SSLRequest, a session, and who is calling.

Messages are those of PostgreSQL 17's documentation, 53.2 and 53.7. It takes every user, knows no
SQL, and answers every query with one row: the client's address, as `inet_client_addr()` would; one
with `pg_sleep(SECONDS)` in it so many seconds later.
"""

import re
import socketserver
import ssl
import struct
import time
from typing import ClassVar

_SSL_REQUEST = 80877103
_PROTOCOL_3 = 196608
_TEXT_OID, _NO_SIZE = 25, -1
_SLEEP = re.compile(rb"pg_sleep\((\d+)\)")
_AUTHENTICATION_OK = b"R" + struct.pack("!ii", 8, 0)
_READY = b"Z" + struct.pack("!i", 5) + b"I"


class Database(socketserver.BaseRequestHandler):
    """One connection of a client; `tls` is the server's, set before the first."""

    tls: ClassVar[ssl.SSLContext]

    def handle(self) -> None:
        """Serve the connection to its end; a client that breaks off or talks nonsense is left."""
        try:
            self._serve()
        except (OSError, EOFError, struct.error):
            return

    def _serve(self) -> None:
        (code,) = struct.unpack("!i", self._startup()[:4])
        if code == _SSL_REQUEST:
            self.request.sendall(b"S")
            self.request = self.tls.wrap_socket(self.request, server_side=True)
            (code,) = struct.unpack("!i", self._startup()[:4])
        if code != _PROTOCOL_3:
            return
        self.request.sendall(_AUTHENTICATION_OK + _READY)
        while True:
            kind = self._exactly(1)
            (length,) = struct.unpack("!i", self._exactly(4))
            body = self._exactly(length - 4)
            if kind == b"X":
                return
            if kind == b"Q":
                if sleep := _SLEEP.search(body):
                    time.sleep(int(sleep[1]))
                self.request.sendall(_answer(self.client_address[0]))

    def _startup(self) -> bytes:
        (length,) = struct.unpack("!i", self._exactly(4))
        return self._exactly(length - 4)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.request.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data


def _answer(address: str) -> bytes:
    column = b"inet_client_addr\0" + struct.pack("!ihihih", 0, 0, _TEXT_OID, _NO_SIZE, -1, 0)
    text = address.encode()
    return (
        _message(b"T", struct.pack("!h", 1) + column)
        + _message(b"D", struct.pack("!hi", 1, len(text)) + text)
        + _message(b"C", b"SELECT 1\0")
        + _READY
    )


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body
