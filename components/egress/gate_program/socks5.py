"""A connection through a SOCKS5 proxy that wants no authentication (RFC 1928)."""

from __future__ import annotations

import ipaddress
import socket

_VERSION = 5
_GREETING = b"\x05\x01\x00"
_NO_AUTHENTICATION = b"\x05\x00"
_CONNECT = b"\x05\x01\x00"
_ADDRESS_BYTES = {1: 4, 4: 16}
_REFUSALS = {
    1: "general failure",
    2: "not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "expired",
}


def open_by_socks5(
    proxy: tuple[str, int], destination: tuple[str, int], seconds: float
) -> socket.socket:
    """Connect to the destination, whose name the far side resolves; raises OSError.

    `seconds` bounds each step, not the whole.
    """
    connection = socket.create_connection(proxy, timeout=seconds)
    try:
        _negotiate(connection, destination)
    except BaseException:
        connection.close()
        raise
    return connection


def _negotiate(connection: socket.socket, destination: tuple[str, int]) -> None:
    connection.sendall(_GREETING)
    if _received(connection, 2) != _NO_AUTHENTICATION:
        raise OSError("the SOCKS5 proxy wants authentication, or is none")
    connection.sendall(_CONNECT + _encoded(*destination))
    version, reply, _, kind = _received(connection, 4)
    if version != _VERSION:
        raise OSError("an answer that is not SOCKS5")
    if reply:
        raise OSError(f"SOCKS5 proxy: {_REFUSALS.get(reply, f'reply {reply}')}")
    # The bound address, of no use here: IPv4, IPv6, or a name after its length; and a port.
    length = _ADDRESS_BYTES.get(kind) or _received(connection, 1)[0]
    _received(connection, length + 2)


def _received(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise OSError("closed by the SOCKS5 proxy")
        data += piece
    return data


def _encoded(host: str, port: int) -> bytes:
    end = port.to_bytes(2, "big")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna")
        return b"\x03" + bytes([len(name)]) + name + end
    kind = next(each for each, size in _ADDRESS_BYTES.items() if size == len(address.packed))
    return bytes([kind]) + address.packed + end
