"""`python -m workshop.lab.cluster_network`: an HTTP CONNECT proxy for the API server only."""

import argparse
import asyncio
import contextlib
import ssl
import sys
from pathlib import Path

from workshop.lab.cluster_network.routes import Address, RouteError, resolve

_LONGEST_HEAD_BYTES = 8192
_SECONDS_TO_CONNECT = 5.0
_CHUNK_BYTES = 65536


def main(arguments: list[str] | None = None) -> int:
    """Serve on loopback until ended; 1 and one line where that cannot be."""
    parser = argparse.ArgumentParser(
        prog="python -m workshop.lab.cluster_network", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--client-authority", type=Path, required=True)
    parser.add_argument("--routes", type=Path, required=True)
    parser.add_argument("--simulated", action="append", default=[], help="a CIDR of the cluster")
    options = parser.parse_args(arguments)
    try:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=options.client_authority)
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_cert_chain(options.certificate, options.key)
        asyncio.run(_serve(options.port, tls, Proxy(options.routes, options.simulated)))
    except OSError as error:
        sys.stderr.write(f"lab.cluster_network: {error}\n")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


async def _serve(port: int, tls: ssl.SSLContext, proxy: "Proxy") -> None:
    server = await asyncio.start_server(
        proxy.handle, "127.0.0.1", port, ssl=tls, limit=_LONGEST_HEAD_BYTES
    )
    async with server:
        await server.serve_forever()


class Proxy:
    """Answers CONNECT as the API server's egress selector asks it (`HTTPConnect`)."""

    def __init__(self, routes: Path, simulated: list[str]) -> None:
        """`routes` is the file of lab.cluster_network.routes, `simulated` the cluster's CIDRs."""
        self._routes = routes
        self._simulated = simulated

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its CONNECT to its end."""
        try:
            target = _target(await reader.readuntil(b"\r\n\r\n"))
            there = resolve(self._routes, target, self._simulated)
            async with asyncio.timeout(_SECONDS_TO_CONNECT):
                far_reader, far_writer = await asyncio.open_connection(*there)
        except (OSError, ValueError, RouteError, TimeoutError, asyncio.IncompleteReadError) as why:
            await _refuse(writer, type(why).__name__ if isinstance(why, OSError) else str(why))
            return
        except asyncio.LimitOverrunError:
            await _refuse(writer, "the request is too long")
            return
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


def _target(head: bytes) -> Address:
    method, _, rest = head.decode("latin-1").partition(" ")
    host, _, port = rest.partition(" ")[0].rpartition(":")
    if method != "CONNECT" or not host or not port.isdecimal():
        raise ValueError("not a CONNECT request")
    return host.strip("[]"), int(port)


async def _refuse(writer: asyncio.StreamWriter, why: str) -> None:
    sys.stderr.write(f"refused: {why}\n")
    sys.stderr.flush()
    with contextlib.suppress(OSError):
        writer.write(f"HTTP/1.1 502 {why}\r\ncontent-length: 0\r\n\r\n".encode("latin-1"))
        await writer.drain()
        writer.close()
        await writer.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    # Either side's end is the end of both: TLS within TLS has no half-closed connections.
    writer.close()


if __name__ == "__main__":
    sys.exit(main())
