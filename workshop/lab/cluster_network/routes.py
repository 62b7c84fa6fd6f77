"""Which addresses of simulated pods are served by a real process, kept in a file."""

import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path

from workshop.lab.private_file import keep_private

Address = tuple[str, int]


class RouteError(Exception):
    """The address leads nowhere; the text says why."""


def write(path: Path, routes: Mapping[Address, int]) -> None:
    """Replace the file: from a pod's address and port to a port on loopback."""
    text = json.dumps({f"{host}:{port}": to for (host, port), to in sorted(routes.items())})
    keep_private(path, text)


def resolve(path: Path, target: Address, simulated: list[str]) -> Address:
    """Where a connection to `target` is to go.

    Raises RouteError for an address in the `simulated` ranges (CIDRs) that no process serves: on
    this machine's own network it might be anybody's.
    """
    host, port = target
    served: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    if f"{host}:{port}" in served:
        return "127.0.0.1", served[f"{host}:{port}"]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return target
    if any(address in ipaddress.ip_network(each) for each in simulated):
        raise RouteError("no process serves this address of the simulated cluster")
    return target
