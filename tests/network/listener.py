"""A server in a namespace that greets whoever connects."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from workshop.lab.network.namespace import Namespace


@contextmanager
def greeting(namespace: Namespace, port: int, words: bytes) -> Iterator[None]:
    """At every address of the namespace, on a TCP port, for as long as the block lasts."""
    with namespace.entered():
        listener = socket.create_server(("0.0.0.0", port))

    def greet() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    client.sendall(words)

    thread = threading.Thread(target=greet)
    thread.start()
    try:
        yield
    finally:
        # Wakes `accept`, which a mere close does not.
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()
