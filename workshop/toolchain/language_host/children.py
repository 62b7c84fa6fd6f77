"""The processes the host starts: none outlives it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue

from workshop.toolchain.language_host.errors import HostError

GRACE_SECONDS = 2.0  # the engine kills the host itself after 5 s (sdk plugin.go, ExecPlugin)
# An interrupted program waits for answers that an engine which is ending never gives.
_HASTE_SECONDS = 0.5
_KILL_SECONDS = 1.0  # how long the kernel may take over a kill
_TETHER = os.path.join(os.path.dirname(__file__), "tether.py")  # noqa: PTH118, PTH120


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to run: an argument list (the first an absolute path), a folder, an environment.

    With `piped`, the child's output is read through `Child.pipes`; otherwise it is the host's own,
    which the engine reads in the order it is written.
    """

    arguments: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    piped: bool = False


class Child:
    """A running process, the leader of its own process group, which ends with it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ending = False
        pipes = {"stdout": process.stdout, "stderr": process.stderr}
        self.pipes = {name: pipe for name, pipe in pipes.items() if pipe is not None}
        threading.Thread(target=self._reap, daemon=True).start()

    def _reap(self) -> None:
        # WNOWAIT keeps the dead leader's id taken while the rest of its group is killed.
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._ended.set()

    def wait(self) -> int:
        """Wait for the end and return the exit code, negative for a signal."""
        self._ended.wait()
        return self._process.returncode

    def ended(self, within: float = 0.0) -> bool:
        """Say whether it ends within so many seconds."""
        return self._ended.wait(within)

    def end(self, number: signal.Signals) -> None:
        """Signal the group once, kill it after the grace time; returns at once.

        The engine asks for the same end in up to three ways; a second interrupt would break off
        what the program does about the first.
        """
        with self._lock:
            if not self._ending:
                self._ending = True
                self._send(number)
                threading.Thread(target=self._kill_after_grace, daemon=True).start()

    def hasten(self) -> None:
        """Ask a group that does not heed its interrupt to terminate."""
        with self._lock:
            self._send(signal.SIGTERM)

    def _kill_after_grace(self) -> None:
        if not self.ended(within=GRACE_SECONDS):
            with self._lock:
                self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if not self._ended.is_set():
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


class Children:
    """Starts children for any thread, from the main thread only.

    A child's tether breaks when the *thread* that forked it ends (prctl(2)); the threads of a
    gRPC pool come and go, the main thread lives as long as the host.
    """

    def __init__(self) -> None:
        self._orders: SimpleQueue[tuple[Command, Future[Child]] | signal.Signals] = SimpleQueue()
        self._living: list[Child] = []

    def start(self, command: Command) -> Child:
        """Start `command` from any thread but the main one. Raises HostError when it cannot be."""
        started: Future[Child] = Future()
        self._orders.put((command, started))
        return started.result()

    def stop(self, number: signal.Signals) -> None:
        """End `serve`, from any thread; children get `number`."""
        self._orders.put(number)

    def serve(self) -> None:
        """Start what is asked for until `stop`; then end every child and return."""
        while not isinstance(order := self._orders.get(), signal.Signals):
            command, started = order
            try:
                child = _spawn(command)
            except OSError as error:
                started.set_exception(HostError(f"cannot run {command.arguments[0]}: {error}"))
                continue
            self._living = [other for other in self._living if not other.ended()]
            self._living.append(child)
            started.set_result(child)
        for child in self._living:
            child.end(order)
        began = time.monotonic()
        if not self._ended(by=began + _HASTE_SECONDS):
            for child in self._living:
                child.hasten()
            self._ended(by=began + GRACE_SECONDS + _KILL_SECONDS)

    def _ended(self, by: float) -> bool:
        """Say whether all children end by this point of `time.monotonic()`."""
        return all(child.ended(within=max(0.0, by - time.monotonic())) for child in self._living)


def _spawn(command: Command) -> Child:
    pipe = subprocess.PIPE if command.piped else None
    tether = [sys.executable, "-I", "-S", _TETHER, str(os.getpid())]
    return Child(
        subprocess.Popen(
            [*tether, *command.arguments],
            bufsize=0,
            cwd=command.folder,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            process_group=0,
        )
    )
