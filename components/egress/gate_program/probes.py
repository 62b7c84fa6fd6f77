"""The gate's measurements: each one attempt, which gives what it saw or raises what went wrong.

Standard library only: the program runs in a public Python image, out of a ConfigMap.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from socks5 import open_by_socks5

Check = Mapping[str, Any]

# SSLRequest: length 8, then the code 80877103 (PostgreSQL 17 documentation, 53.2.10); the server
# answers one byte, S or N.
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_TLS_PORT = 443
_SOCKS5 = "socks5://"
_SHARE_TO_STAY_OPEN = 0.8
_LAST_PORT = 65535


class UnexpectedError(Exception):
    """A check did not see what it expects; the text is what it saw."""


def egress_address(check: Check, seconds: float) -> str:
    """Ask `url` through the gateway's HTTP proxy, or its SOCKS5 port, for the caller's address.

    `proxy` is `host:port`, of the SOCKS5 port with `socks5://` in front.
    """
    url = urlsplit(check["url"])
    connection, target = _through(check, url, seconds)
    try:
        connection.request("GET", target, headers={"Host": url.netloc, "Connection": "close"})
        answer = connection.getresponse()
        seen = answer.read(200).decode(errors="replace").strip()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise UnexpectedError(f"HTTP {answer.status}")
    return _one_of(seen, check["expected"])


def _through(
    check: Check, url: SplitResult, seconds: float
) -> tuple[http.client.HTTPConnection, str]:
    """A connection for `url` by way of the check's proxy, and what to ask for on it."""
    host, port = split(check["proxy"].removeprefix(_SOCKS5))
    name = str(url.hostname)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    tls = url.scheme == "https"
    if check["proxy"].startswith(_SOCKS5):
        far = (name, url.port or (_TLS_PORT if tls else http.client.HTTP_PORT))
        connection = http.client.HTTPConnection(*far, timeout=seconds)
        raw = open_by_socks5((host, port), far, seconds)
        connection.sock = _tls(check).wrap_socket(raw, server_hostname=name) if tls else raw
        return connection, path
    if tls:
        connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=_tls(check))
        connection.set_tunnel(name, url.port or _TLS_PORT)
        return connection, path
    return http.client.HTTPConnection(host, port, timeout=seconds), check["url"]


def tcp(check: Check, seconds: float) -> str:
    """Have the gateway's general proxy connect to `address`: it answers for the far end."""
    host, port = split(check["proxy"].removeprefix(_SOCKS5))
    far = split(check["address"])
    if check["proxy"].startswith(_SOCKS5):
        open_by_socks5((host, port), far, seconds).close()
    else:
        connection = http.client.HTTPConnection(host, port, timeout=seconds)
        connection.set_tunnel(*far)
        try:
            connection.connect()
        finally:
            connection.close()
    return "connected"


def stays_open(check: Check, seconds: float) -> str:
    """Connect to a destination's own port of the gateway, and see that the connection stays.

    The gateway accepts before it has asked the destination, and closes when that refuses: it is a
    connection that is still open after most of the time that proves something.
    """
    with socket.create_connection(split(check["address"]), timeout=seconds) as connection:
        connection.settimeout(seconds * _SHARE_TO_STAY_OPEN)
        try:
            said = connection.recv(1)
        except TimeoutError:
            return "connected, and stayed so"
        except ConnectionResetError:
            said = b""
    if not said:
        raise UnexpectedError("accepted, then closed: the destination refused, or no exit node")
    return "connected, and was spoken to"


def postgres(check: Check, seconds: float) -> str:
    """Connect and ask for TLS as a Postgres client does."""
    with socket.create_connection(split(check["address"]), timeout=seconds) as connection:
        connection.sendall(_SSL_REQUEST)
        answer = connection.recv(1)
    if not answer:
        raise UnexpectedError("closed without an answer to SSLRequest")
    if answer not in (b"S", b"N"):
        raise UnexpectedError(f"{answer!r} in answer to SSLRequest")
    return f"SSLRequest answered {answer.decode()}"


def s3(check: Check, seconds: float) -> str:
    """HEAD by TLS under the real name; any answer counts, since 403 too comes from S3 itself."""
    host, port = split(check["address"])
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
    host, port = split(check["address"])
    seen = set()
    # Every address: one that happens to be down proves nothing about the others.
    for address in _addresses(host, port, socket.AF_UNSPEC):
        try:
            socket.create_connection((address, port), timeout=seconds).close()
        except OSError as error:
            seen.add(describe(error))
        else:
            raise UnexpectedError(f"connected to {address} directly")
    return ", ".join(sorted(seen))


REFUSED = "refused"

PROBES: dict[str, Callable[[Check, float], str]] = {
    "egress-address": egress_address,
    "tcp": tcp,
    "open": stays_open,
    "postgres": postgres,
    "s3": s3,
    "https": https,
    "dns": dns,
    "pods": pods,
    REFUSED: refused,
}

FIELDS: dict[str, tuple[str, ...]] = {
    "egress-address": ("proxy", "url", "expected"),
    "tcp": ("proxy", "address"),
    "open": ("address",),
    "postgres": ("address",),
    "s3": ("address", "host"),
    "https": ("url", "ca"),
    "dns": ("host",),
    "pods": ("host", "port"),
    REFUSED: ("address",),
}


def describe(error: BaseException) -> str:
    """What went wrong in a few words, without a traceback."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, socket.gaierror):
        return "name not resolved"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__).lower()


def split(address: str) -> tuple[str, int]:
    """The parts of `host:port`; raises ValueError when it is none."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        raise ValueError(f"{address!r} is not host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _tls(check: Check) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=check.get("ca"))


def _addresses(host: str, port: int, family: int = socket.AF_INET) -> list[str]:
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    return sorted({str(each[4][0]) for each in found})


def _one_of(seen: str, expected: list[str]) -> str:
    try:
        address = ipaddress.ip_address(seen)
    except ValueError:
        raise UnexpectedError(f"no address but {seen[:80]!r}") from None
    if address not in {ipaddress.ip_address(each) for each in expected}:
        raise UnexpectedError(str(address))
    return str(address)
