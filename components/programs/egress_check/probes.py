"""The gate's measurements: each one attempt, which gives what it saw or raises what went wrong.

Standard library only: the program runs in a public Python image, out of a ConfigMap.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

Check = Mapping[str, Any]

# SSLRequest: length 8, then the code 80877103 (PostgreSQL 17 documentation, 53.2.10); the server
# answers one byte, S or N.
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_TLS_PORT = 443


class UnexpectedError(Exception):
    """A check did not see what it expects; the text is what it saw."""


def egress_address(check: Check, seconds: float) -> str:
    """Ask `url` through the gateway's HTTP proxy for the caller's address."""
    host, port = _split(check["proxy"])
    url = urlsplit(check["url"])
    if url.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=seconds, context=_tls(check)
        )
        connection.set_tunnel(str(url.hostname), url.port or _TLS_PORT)
        target = url.path or "/"
    else:
        connection = http.client.HTTPConnection(host, port, timeout=seconds)
        target = check["url"]
    try:
        connection.request("GET", target, headers={"Host": url.netloc, "Connection": "close"})
        answer = connection.getresponse()
        seen = answer.read(200).decode(errors="replace").strip()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise UnexpectedError(f"HTTP {answer.status}")
    return _one_of(seen, check["expected"])


def tcp(check: Check, seconds: float) -> str:
    """Connect."""
    with socket.create_connection(_split(check["address"]), timeout=seconds):
        return "connected"


def postgres(check: Check, seconds: float) -> str:
    """Connect and ask for TLS as a Postgres client does."""
    with socket.create_connection(_split(check["address"]), timeout=seconds) as connection:
        connection.sendall(_SSL_REQUEST)
        answer = connection.recv(1)
    if answer not in (b"S", b"N"):
        raise UnexpectedError(f"{answer!r} in answer to SSLRequest")
    return f"SSLRequest answered {answer.decode()}"


def s3(check: Check, seconds: float) -> str:
    """HEAD by TLS under the real name; any answer counts, since 403 too comes from S3 itself."""
    host, port = _split(check["address"])
    name = check["host"]
    connection = http.client.HTTPSConnection(name, timeout=seconds, context=_tls(check))
    raw = socket.create_connection((host, port), timeout=seconds)
    connection.sock = _tls(check).wrap_socket(raw, server_hostname=name)
    try:
        connection.request("HEAD", "/", headers={"Host": name})
        return f"HTTP {connection.getresponse().status}"
    finally:
        connection.close()


def https(check: Check, seconds: float) -> str:
    """Any HTTP answer of a server whose certificate the given authority signed."""
    url = urlsplit(check["url"])
    connection = http.client.HTTPSConnection(
        str(url.hostname), url.port or _TLS_PORT, timeout=seconds, context=_tls(check)
    )
    try:
        connection.request("GET", url.path or "/")
        return f"HTTP {connection.getresponse().status}"
    finally:
        connection.close()


def dns(check: Check, _seconds: float) -> str:
    """Resolve a name by the pod's own resolver."""
    return ", ".join(_addresses(check["host"], 0))


def pods(check: Check, seconds: float) -> str:
    """Every pod behind a headless Service accepts a connection."""
    addresses = _addresses(check["host"], check["port"])
    for address in addresses:
        try:
            socket.create_connection((address, check["port"]), timeout=seconds).close()
        except OSError as error:
            raise UnexpectedError(f"{address}: {describe(error)}") from error
    return f"{len(addresses)} answered"


def refused(check: Check, seconds: float) -> str:
    """A direct connection must fail: that it succeeds is the leak the gate is there to find."""
    host, port = _split(check["address"])
    address = _addresses(host, port)[0]
    try:
        socket.create_connection((address, port), timeout=seconds).close()
    except OSError as error:
        return describe(error)
    raise UnexpectedError(f"connected to {address} directly")


PROBES: dict[str, Callable[[Check, float], str]] = {
    "egress-address": egress_address,
    "tcp": tcp,
    "postgres": postgres,
    "s3": s3,
    "https": https,
    "dns": dns,
    "pods": pods,
    "refused": refused,
}

FIELDS: dict[str, tuple[str, ...]] = {
    "egress-address": ("proxy", "url", "expected"),
    "tcp": ("address",),
    "postgres": ("address",),
    "s3": ("address", "host"),
    "https": ("url", "ca"),
    "dns": ("host",),
    "pods": ("host", "port"),
    "refused": ("address",),
}


def describe(error: BaseException) -> str:
    """What went wrong in a few words, without a traceback."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, socket.gaierror):
        return "name not resolved"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__).lower()


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def _tls(check: Check) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=check.get("ca"))


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    return sorted({str(each[4][0]) for each in found})


def _one_of(seen: str, expected: list[str]) -> str:
    if seen not in expected:
        raise UnexpectedError(seen[:80] or "an empty answer")
    return seen
