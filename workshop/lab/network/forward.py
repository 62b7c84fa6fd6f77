"""`python -m workshop.lab.network.forward TABLE`: loopback ports that lead into the lab's network.

TABLE is a JSON file: a list of `port`, the loopback port here; `namespace`, the file that stands
for a namespace; and `address` and `to`, the address and port there.
"""

import argparse
import asyncio
import contextlib
import json
import socket
import sys
from pathlib import Path
from typing import Any

from workshop.lab.network.namespace import Namespace

_PIECE = 1 << 16


def main(arguments: list[str] | None = None) -> int:
    """Serve until ended."""
    parser = argparse.ArgumentParser(
        prog="python -m workshop.lab.network.forward", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("table", type=Path)
    table = json.loads(parser.parse_args(arguments).table.read_text())
    asyncio.run(_serve(table))
    return 0


async def _serve(table: list[dict[str, Any]]) -> None:
    servers = [await _listen(entry) for entry in table]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def _listen(entry: dict[str, Any]) -> asyncio.Server:
    inside = Namespace(name=entry["namespace"], path=entry["namespace"])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # A socket stays where it was made.
            with inside.entered():
                outgoing = socket.socket()
            outgoing.settimeout(0)
            await asyncio.get_running_loop().sock_connect(outgoing, (entry["address"], entry["to"]))
            far_reader, far_writer = await asyncio.open_connection(sock=outgoing)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        writer.close()
        far_writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", entry["port"])


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
        # The other direction may go on.
        writer.write_eof()


if __name__ == "__main__":
    sys.exit(main())
