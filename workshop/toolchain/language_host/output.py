"""What a piped child writes, on its way to the engine."""

import os
import selectors
import signal
from collections.abc import Iterator

import grpc
from pulumi.runtime.proto import language_pb2

from workshop.toolchain.language_host.children import Child

_CHUNK_BYTES = 65536


def stream(child: Child) -> Iterator[language_pb2.RunPluginResponse]:
    """Yield what `child` writes as it comes, and its exit code last.

    A child that a signal ended has the exit code a shell gives it, 128 and the signal's number.
    """
    with selectors.DefaultSelector() as selector:
        for name, pipe in child.pipes.items():
            selector.register(pipe, selectors.EVENT_READ, name)
        while selector.get_map():
            for key, _ in selector.select():
                chunk = os.read(key.fd, _CHUNK_BYTES)
                if not chunk:
                    child.pipes[key.data].close()
                    selector.unregister(key.fd)
                elif key.data == "stdout":
                    yield language_pb2.RunPluginResponse(stdout=chunk)
                else:
                    yield language_pb2.RunPluginResponse(stderr=chunk)
    code = child.wait()
    yield language_pb2.RunPluginResponse(exitcode=code if code >= 0 else 128 - code)


def end_with(context: grpc.ServicerContext, child: Child, number: signal.Signals) -> None:
    """End `child` by `number` when the call is cancelled or its connection lost, even already."""
    if not context.add_callback(lambda: child.end(number)):
        child.end(number)
