"""What can be wrong with the network of a lab on real nodes, as its gates then measure it."""

from collections.abc import Iterator
from contextlib import contextmanager

from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import API_PORT, ECHO, TETHYS
from workshop.lab.node import fleet as lab
from workshop.testing.lab_fleet import Fleet


def _namespace(fleet: Fleet, name: str) -> Namespace:
    return Namespace(name=name, path=lab.namespaces(fleet.home)[name])


@contextmanager
def leaving_by(fleet: Fleet, address: str) -> Iterator[None]:
    """The exit node's traffic leaves by another address: so the server outside sees it."""
    internet = _namespace(fleet, "internet")
    internet.nft(
        f"""
        table ip fault {{
          chain input {{
            type nat hook input priority 100
            ip saddr {TETHYS.outside} ip daddr {ECHO.address} snat to {address}
          }}
        }}
        """
    )
    try:
        yield
    finally:
        internet.nft("delete table ip fault")


@contextmanager
def pods_without_api_server(fleet: Fleet, node: str) -> Iterator[None]:
    """The node's pods do not reach the API server; the node itself goes on as it was."""
    namespace = _namespace(fleet, node)
    namespace.nft(
        f"""
        table ip fault {{
          chain forward {{
            type filter hook forward priority filter - 5
            ip daddr {TETHYS.address} tcp dport {API_PORT} drop
          }}
        }}
        """
    )
    try:
        yield
    finally:
        namespace.nft("delete table ip fault")
