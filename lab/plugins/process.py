"""A provider's process: it prints its port, serves the engine, and ends with it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent import futures

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from lab.plugins.provider import Provider
from lab.plugins.servicer import Servicer

_LARGEST_MESSAGE_BYTES = 400 << 20  # As the engine's and the SDK's.
_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_TO_CANCEL = 3.0
_THREADS = 64  # A waiting look-up or a running command holds one.


def serve(provider: Provider, arguments: list[str]) -> None:
    """Serve on a free port of 127.0.0.1 until the process that started this one has gone.

    `arguments` are the engine's: its address, and logging flags, which are of no use here.
    """
    addresses = [a for a in arguments if not a.startswith("-")]
    parent = os.getppid()
    stopped = threading.Event()
    # The engine starts each plugin in a process group of its own, which no Ctrl-C reaches, and
    # ends it by SIGINT when it is done with it; a plugin that stays costs every command 5 s.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopped.set())
    limits = [
        ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
        ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
    ]
    server = grpc.server(futures.ThreadPoolExecutor(_THREADS), options=limits)
    servicer = Servicer(provider, addresses[0] if addresses else "")
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # A killed engine cannot say goodbye: an orphan gets another parent.
    while os.getppid() == parent and not stopped.wait(_SECONDS_BETWEEN_LOOKS):
        pass
    # Commands still running would be orphans, too: they are ended before the process is.
    provider.cancelled.set()
    server.stop(grace=_SECONDS_TO_CANCEL).wait()
    os._exit(0)
