"""The provider's process: it prints its port, serves the engine, and ends with it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent import futures

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from providers.crunchybridge.provider import Provider

_LARGEST_MESSAGE_BYTES = 400 << 20  # As the engine's and the SDK's.
_SECONDS_BETWEEN_LOOKS = 1.0
_THREADS = 32


def serve(arguments: list[str], parent: int) -> None:
    """Serve on a free port of 127.0.0.1 until `parent`, which started this process, has gone.

    `arguments` are the engine's: its address, and logging flags, which are of no use here.
    """
    addresses = [each for each in arguments if not each.startswith("-")]
    # The engine ends its plugins itself, after it has ended what it was doing: an interrupt from
    # the keyboard must not cut off a request whose outcome the state has yet to hear of.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = grpc.server(
        futures.ThreadPoolExecutor(_THREADS),
        options=[
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
            ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
        ],
    )
    provider = Provider(addresses[0] if addresses else "")
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    stopped = threading.Event()
    # A killed engine cannot say goodbye: an orphan gets another parent.
    while os.getppid() == parent:
        stopped.wait(_SECONDS_BETWEEN_LOOKS)
    provider.cancelled.set()
    server.stop(grace=None)
    os._exit(0)
