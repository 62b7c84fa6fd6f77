"""A program in a namespace, which ends when this process does, however that ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.lab.home import REPOSITORY, LabError
from workshop.lab.network.namespace import Namespace

_LAUNCHER = Path(__file__).with_name("launcher.py")
_SECONDS_TO_END = 10.0
# In the launcher's environment, and so in its child's until that becomes the program.
_MARK = "OCEANID_LAUNCHER"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(kw_only=True)
class Process:
    """A started program; `log` gets all that it says."""

    name: str
    namespace: Namespace
    log: Path
    launcher: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls,
        name: str,
        namespace: Namespace,
        argv: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        root: Mapping[str, Any] | None = None,
    ) -> "Process":
        """Start it. `environment` is all it gets; `root` is the launcher's, for a container."""
        spec = {
            "network": namespace.path,
            "argv": list(argv),
            "environment": dict(environment or {}) or {"PATH": PATH},
            "root": root,
        }
        with log.open("ab") as sink:
            # Isolated, and without site packages: it starts in half the time.
            launcher = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LAUNCHER)],
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=sink,
                cwd="/",
                env={_MARK: "1"},
                start_new_session=True,
            )
        assert launcher.stdin is not None  # noqa: S101  asked for a pipe
        # By a pipe, because arguments and the launcher's own environment can be read by others.
        launcher.stdin.write(json.dumps(spec).encode() + b"\n")
        launcher.stdin.flush()
        return cls(name=name, namespace=namespace, log=log, launcher=launcher)

    @property
    def pid(self) -> int | None:
        """The program's pid, None before it has started and after it has ended."""
        number = self.launcher.pid
        try:
            children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
            if not children or _MARK.encode() in Path(f"/proc/{children[0]}/environ").read_bytes():
                return None
        except OSError:
            return None
        return int(children[0])

    def until_started(self) -> None:
        """Wait until the program runs, or has ended already."""
        while self.pid is None and self.running:
            time.sleep(0.005)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.launcher.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program itself."""
        pid = self.pid
        if pid is not None:
            os.kill(pid, number)

    def wait(self, seconds: float) -> int:
        """The exit code, or 128 and a signal's number; raises LabError after `seconds`."""
        try:
            code = self.launcher.wait(seconds)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name} did not end within {seconds:g} s: {self.log}") from None
        self._let_go()
        return code

    def kill(self) -> None:
        """End it and all it started, without a word."""
        self._let_go()
        self.wait(_SECONDS_TO_END)

    def _let_go(self) -> None:
        if self.launcher.stdin is not None and not self.launcher.stdin.closed:
            self.launcher.stdin.close()

    def last_words(self) -> str:
        """The last line of its log, for messages."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"

    def until(self, condition: Callable[[], bool], what: str, *, seconds: float = 20.0) -> None:
        """Wait until the condition holds; LabError when the program ends or the time does."""
        deadline = time.monotonic() + seconds
        while not condition():
            if not self.running:
                raise LabError(f"{self.name} ended: {self.last_words()} (log: {self.log})")
            if time.monotonic() > deadline:
                raise LabError(f"{self.name}: not {what} after {seconds:g} s (log: {self.log})")
            time.sleep(0.02)


def python(module: str, *arguments: str) -> list[str]:
    """The command line of one of the lab's own programs."""
    return [sys.executable, "-m", module, *arguments]


def python_environment() -> dict[str, str]:
    """The environment of the lab's own programs."""
    return {"PATH": PATH, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}


def tree(pid: int | None) -> list[int]:
    """A process and all that it started, by their pids; empty for None."""
    if pid is None:
        return []
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += tree(int(child))
    return found
