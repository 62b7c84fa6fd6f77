"""A language host running as the engine starts it, and the processes below it."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

HOST = Path(__file__).parents[2] / "workshop" / "toolchain" / "language_host"
DEADLINE_SECONDS = 30  # how long a test waits for what must happen before it fails


@dataclass(frozen=True)
class RunningHost:
    """The process, whose output after the port's line is still to be read, and its client."""

    process: subprocess.Popen[bytes]
    runtime: language_pb2_grpc.LanguageRuntimeStub
    folder: Path

    def program(self, source: str, **options: str | float) -> language_pb2.ProgramInfo:
        """Write `source` as the program in a folder, with these runtime options."""
        path = self.folder / "program"
        path.mkdir(exist_ok=True)
        (path / "__main__.py").write_text(source)
        struct = Struct()
        struct.update(options)
        return language_pb2.ProgramInfo(
            root_directory=str(path), program_directory=str(path), entry_point=".", options=struct
        )

    def ended(self) -> tuple[int, str]:
        """Close the host's end in any way it ends; return its exit code and its output."""
        output, _ = self.process.communicate(timeout=DEADLINE_SECONDS)
        return self.process.returncode, output.decode()


@contextmanager
def running_host(executor: Path) -> Iterator[RunningHost]:
    """Start a host whose programs run by `executor`; kill what is left of it at the end."""
    process = subprocess.Popen(
        command(executor),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            runtime = language_pb2_grpc.LanguageRuntimeStub(channel)
            yield RunningHost(process, runtime, executor.parent)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def command(executor: Path) -> list[str]:
    """Return the command line that the wrapper beside the engine makes."""
    return [sys.executable, "-P", str(HOST), "--use-executor", str(executor), "127.0.0.1:1"]


class Process:
    """Another's process, held by a descriptor so that its id cannot come to mean another."""

    def __init__(self, pid: int) -> None:
        self._descriptor = os.pidfd_open(pid)

    def has_ended(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], DEADLINE_SECONDS)
        return bool(ready)

    def close(self) -> None:
        """Kill it if a failed test left it, and let it go."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
        os.close(self._descriptor)
