"""What can be wrong with the network of a lab on real nodes, as its gates then measure it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import ECHO, TETHYS
from workshop.lab.node import fleet as lab
from workshop.testing.lab_fleet import Fleet
from workshop.testing.nodes import faults


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


def pods_without_api_server(fleet: Fleet, node: str) -> AbstractContextManager[None]:
    """The node's pods do not reach the API server; the node itself goes on as it was."""
    return faults.pods_without_api_server(_namespace(fleet, node))
