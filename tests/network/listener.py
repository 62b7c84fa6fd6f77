"""A server in a namespace that greets whoever connects."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.unit.far_side import serving
from workshop.lab.network.namespace import Namespace


@contextmanager
def greeting(namespace: Namespace, port: int, words: bytes) -> Iterator[None]:
    """At every address of the namespace, on a TCP port, for as long as the block lasts."""
    with ExitStack() as server:
        with namespace.entered():
            server.enter_context(serving(lambda client: client.sendall(words), ("0.0.0.0", port)))
        yield
