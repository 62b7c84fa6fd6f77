"""A container: the program that its manifest names, with the environment and files it is given."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.lab.home import LabError
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.process import PATH, Process
from workshop.lab.simulated_devices.expansion import expand

# What the images run where the manifest has no command.
_ENTRYPOINTS = {"tailscale/tailscale": "/usr/local/bin/containerboot"}
_SECONDS_TO_EXEC = 10.0
# What a container runtime sets for a user that the image does not know.
_HOME = "/"


@dataclass(kw_only=True)
class Container:
    """One container; `root` is the launcher's file system for it."""

    manifest: Mapping[str, Any]
    namespace: Namespace
    environment: Mapping[str, str]
    root: Mapping[str, Any]
    log: Path
    process: Process | None = field(default=None)

    @property
    def name(self) -> str:
        """Its name in the pod."""
        return str(self.manifest["name"])

    def start(self) -> None:
        """Start the program; raises LabError where the manifest names none."""
        self.process = Process.start(
            f"{self.root['hostname']}/{self.name}",
            self.namespace,
            self._argv(),
            log=self.log,
            environment={"PATH": PATH, "HOME": _HOME, **self.environment},
            root=self.root,
        )

    def _argv(self) -> list[str]:
        words = [*(self.manifest.get("command") or []), *(self.manifest.get("args") or [])]
        if not self.manifest.get("command"):
            image = str(self.manifest["image"])
            entrypoint = next((run for of, run in _ENTRYPOINTS.items() if of in image), None)
            if entrypoint is None:
                raise LabError(f"container {self.name}: what {image} runs is not known: add it")
            words.insert(0, entrypoint)
        return [expand(word, self.environment) for word in words]

    @property
    def started(self) -> Process:
        """Its process; raises LabError where it has none."""
        if self.process is None:
            raise LabError(f"container {self.name} has not been started")
        return self.process

    def execute(self, command: Sequence[str], *, seconds: float = _SECONDS_TO_EXEC) -> str | None:
        """A command's output, run in the container as its user; None where it fails.

        As an exec probe or hook does it. One that takes longer than `seconds` has failed.
        """
        pid = self.started.pid
        if pid is None:
            return None
        spaces = ["--mount", "--net", "--pid", "--ipc", "--uts", "--root", "--wd"]
        user = [f"--setuid={self.root['user']}", f"--setgid={self.root['group']}"]
        try:
            done = subprocess.run(
                ["nsenter", f"--target={pid}", *spaces, *user, "--", *command],
                env={"PATH": PATH, "HOME": _HOME, **self.environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
            )
        except (subprocess.TimeoutExpired, OSError):
            return None
        return done.stdout if done.returncode == 0 else None

    def freeze(self) -> None:
        """Stop every process of the container where it is, as a machine that hangs."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in self.processes():
            os.kill(pid, number)

    def processes(self) -> list[int]:
        """The program's pid and those of all that it started."""
        return tree(self.started.pid)

    def crash(self) -> None:
        """Kill the program without a word, as the kernel does when memory is short."""
        self.started.kill()

    def restart(self) -> None:
        """Start it anew, as the kubelet does with one that ended."""
        self.crash()
        self.start()


def tree(pid: int | None) -> list[int]:
    """A process and all that it started, by their pids; empty for None."""
    if pid is None:
        return []
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += tree(int(child))
    return found
