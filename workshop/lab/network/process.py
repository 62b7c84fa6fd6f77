"""A program in a namespace, which ends when this process does, however that ends."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workshop.lab.home import LabError
from workshop.lab.network.namespace import Namespace
from workshop.lab.processes import children

_SECONDS_TO_END = 10.0
# The first ends with this process. The last is the parent of a program that is process 1 of a PID
# namespace: so nothing that it starts gets away.
_TIED = ("setpriv", "--pdeathsig=KILL", "--")
ALONE = (
    "unshare",
    *["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc", "--"],
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(kw_only=True)
class Process:
    """A started program; `log` gets all that it says."""

    name: str
    namespace: Namespace
    log: Path
    parent: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls,
        name: str,
        namespace: Namespace,
        argv: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
    ) -> "Process":
        """Start it. `environment` is all it gets."""
        entered = ("nsenter", f"--net={namespace.path}", "--")
        with log.open("ab") as sink:
            parent = subprocess.Popen(
                [*_TIED, *entered, *ALONE, *argv],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        return cls(name=name, namespace=namespace, log=log, parent=parent)

    @property
    def pid(self) -> int | None:
        """The program's pid, None before it has started and after it has ended."""
        for child in children(self.parent.pid):
            with suppress(OSError):
                # Until it becomes the program.
                name = Path(f"/proc/{child}/comm").read_text()
                return None if name == "unshare\n" else child
        return None

    def until_started(self) -> None:
        """Wait until the program runs, or has ended already."""
        while self.pid is None and self.running:
            time.sleep(0.005)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.parent.poll() is None

    def kill(self) -> None:
        """End it and all it started, without a word."""
        self.until_started()
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
        self.parent.wait(_SECONDS_TO_END)

    def until(self, condition: Callable[[], bool], what: str, *, seconds: float = 20.0) -> None:
        """Wait until the condition holds; LabError when the program ends or the time does."""
        deadline = time.monotonic() + seconds
        while not condition():
            if not self.running:
                raise LabError(f"{self.name} ended while starting (log: {self.log})")
            if time.monotonic() > deadline:
                raise LabError(f"{self.name}: not {what} after {seconds:g} s (log: {self.log})")
            time.sleep(0.02)


def tree(pid: int | None) -> list[int]:
    """A process and all that it started, by their pids; empty for None."""
    if pid is None:
        return []
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += tree(int(child))
    return found
