"""The host as a process: its arguments, its port, and how it ends."""

import argparse
import os
import select
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workshop.toolchain.language_host.errors import HostError
from workshop.toolchain.language_host.stubs import stand_in_for_the_sdk

EXECUTOR = Path(__file__).parents[3] / ".toolchain" / "bin" / "pulumi-language-python-exec"
MESSAGE_BYTES = 400 << 20  # the engine's own limit (sdk rpcutil, GrpcChannelOptions)
_ENDING = frozenset({signal.SIGINT, signal.SIGTERM})
_CALLS = 64  # a program or a plugin holds one each while it runs
_PARENT_POLL_SECONDS = 0.5


def main(arguments: list[str]) -> None:
    """Serve until SIGINT, SIGTERM or the parent's end; always ends by `os._exit`.

    Prints the port as the first line. Exit code 0, or 1 with one line on stderr.
    """
    parent = os.getppid()
    options = _parse(arguments)
    try:
        stand_in_for_the_sdk()
        import grpc  # noqa: PLC0415
        from pulumi.runtime.proto import language_pb2_grpc  # noqa: PLC0415

        from workshop.toolchain.language_host.children import Children  # noqa: PLC0415
        from workshop.toolchain.language_host.host import Host  # noqa: PLC0415
    except HostError as error:
        sys.exit(f"pulumi-language-python: {error}")
    children = Children()
    # Blocked for every thread from here on, and waited for in one: a handler runs in the main
    # thread only, which does not run it when the signal comes just before it blocks in a wait.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)

    def on_signal() -> None:
        children.stop(signal.Signals(signal.sigwait(_ENDING)))

    threading.Thread(target=on_signal, daemon=True).start()

    def on_orphaned() -> None:
        _wait_for_the_end_of(parent)
        children.stop(signal.SIGTERM)

    threading.Thread(target=on_orphaned, daemon=True).start()
    server = grpc.server(
        ThreadPoolExecutor(_CALLS),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
        ],
    )
    host = Host(children, options.use_executor, options.engine)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    children.serve()
    sys.stdout.flush()
    # Nothing is left to end in order, and the engine waits for this process.
    os._exit(0)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="pulumi-language-python",
        description="Runs Python programs, policy packs and plugins for the Pulumi engine.",
        allow_abbrev=False,
    )
    parser.add_argument("engine", nargs="?", default="", help="the engine's address, host:port")
    parser.add_argument(
        "--use-executor",
        default=str(EXECUTOR),
        metavar="PATH",
        help="the SDK's pulumi-language-python-exec (default: %(default)s)",
    )
    # The engine passes these to every plugin when its own logging or tracing is on.
    for ignored in ("--tracing", "-v"):
        parser.add_argument(ignored, help=argparse.SUPPRESS)
    parser.add_argument("--logtostderr", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _wait_for_the_end_of(parent: int) -> None:
    """Return when the process `parent`, which started the host, is no more its parent.

    The engine keeps no other sign of life: a plugin whose engine was killed would stay for ever.
    """
    try:
        descriptor = os.pidfd_open(parent)
    except (AttributeError, OSError):  # not Linux, an old kernel, or gone already
        while os.getppid() == parent:
            time.sleep(_PARENT_POLL_SECONDS)
        return
    if os.getppid() == parent:
        select.select([descriptor], [], [])
