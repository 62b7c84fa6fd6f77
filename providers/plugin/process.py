"""A plugin's process: it prints its port, serves the engine, and ends with it."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent import futures

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from providers.plugin.servicer import PluginServicer

_LARGEST_MESSAGE_BYTES = 400 << 20  # As the engine's and the SDK's.
_SECONDS_BETWEEN_LOOKS = 1.0
_THREADS = 64  # A waiting look-up or a running command holds one.


def serve(
    servicer: Callable[[str], PluginServicer],
    arguments: list[str],
    parent: int,
    *,
    seconds_to_cancel: float | None,
) -> None:
    """Serve on a free port of 127.0.0.1 until `parent`, which started this process, has gone.

    `arguments` are the engine's: its address, for `servicer`. With `seconds_to_cancel` an interrupt
    ends the process too, after what is under way has had so long to be cancelled; with None an
    interrupt is not heard.
    """
    address = _address(arguments)
    stopped = threading.Event()
    _hear_signals(stopped, interrupts=seconds_to_cancel is not None)
    limits = [
        ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
        ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
    ]
    server = grpc.server(futures.ThreadPoolExecutor(_THREADS), options=limits)
    plugin = servicer(address)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(plugin, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # A killed engine cannot say goodbye: an orphan gets another parent.
    while os.getppid() == parent and not stopped.wait(_SECONDS_BETWEEN_LOOKS):
        pass
    plugin.cancelled.set()
    server.stop(grace=seconds_to_cancel).wait()
    os._exit(0)


def _address(arguments: list[str]) -> str:
    parser = argparse.ArgumentParser(description="A Pulumi provider plugin.", allow_abbrev=False)
    parser.add_argument("engine", nargs="?", default="", help="the engine's address, host:port")
    # The engine passes these to every plugin when its own logging or tracing is on.
    for unused in ("--tracing", "-v"):
        parser.add_argument(unused, help=argparse.SUPPRESS)
    parser.add_argument("--logtostderr", action="store_true", help=argparse.SUPPRESS)
    return str(parser.parse_args(arguments).engine)


def _hear_signals(stopped: threading.Event, *, interrupts: bool) -> None:
    if not interrupts:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopped.set())
