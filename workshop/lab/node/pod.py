"""A pod on a real node, from outside: its network, its containers' processes, and its words."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import httpx

from workshop.lab.home import Home, LabError
from workshop.lab.network.namespace import Namespace
from workshop.lab.node import cgroup
from workshop.lab.nodes import is_ready

_SECONDS_TO_EXEC = 10.0


@dataclass(frozen=True, kw_only=True)
class NodePod:
    """A pod by its object in the API server, as it was when it was asked for."""

    home: Home
    manifest: dict[str, Any]

    @classmethod
    def get(cls, home: Home, api: httpx.Client, namespace: str, name: str) -> "NodePod":
        """The pod of that name; raises httpx.HTTPStatusError where there is none."""
        found = api.get(f"/api/v1/namespaces/{namespace}/pods/{name}").raise_for_status()
        return cls(home=home, manifest=found.json())

    @property
    def name(self) -> str:
        """Its name in the cluster."""
        return str(self.manifest["metadata"]["name"])

    @property
    def node(self) -> str:
        """The name of its node."""
        return str(self.manifest["spec"]["nodeName"])

    @property
    def address(self) -> IPv4Address:
        """Its address in the pod network."""
        return IPv4Address(self.manifest["status"]["podIP"])

    @property
    def is_ready(self) -> bool:
        """Whether its condition Ready is true."""
        return is_ready(self.manifest)

    @property
    def network(self) -> Namespace:
        """Its network namespace."""
        (pid, *_) = self.processes()
        return Namespace(name=self.name, path=f"/proc/{pid}/ns/net")

    def container(self, name: str) -> "NodeContainer":
        """One of its containers, which runs now; raises LabError."""
        statuses = self.manifest["status"].get("containerStatuses", [])
        for status in statuses:
            if status["name"] == name and "running" in status["state"]:
                return NodeContainer(pod=self, name=name, id=status["containerID"].rsplit("/")[-1])
        raise LabError(f"pod {self.name}: its container {name} does not run")

    def processes(self) -> list[int]:
        """Pids of all that runs in it, as this machine counts them."""
        return cgroup.processes(self.home, self.node, f"pod{self.manifest['metadata']['uid']}")


@dataclass(frozen=True, kw_only=True)
class NodeContainer:
    """A container by its id in containerd."""

    pod: NodePod
    name: str
    id: str

    def processes(self) -> list[int]:
        """Its pids, the program's own first."""
        return cgroup.processes(self.pod.home, self.pod.node, self.id)

    def freeze(self) -> None:
        """Stop every process where it is, as a machine that hangs."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill all without a word, as the kernel does when memory is short."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.processes():
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(pid, number)

    def execute(self, command: Sequence[str], *, seconds: float = _SECONDS_TO_EXEC) -> str | None:
        """A command's output, run in the container as its user; None where it fails."""
        (pid, *_) = self.processes()
        about = Path(f"/proc/{pid}/status").read_text().splitlines()
        ids = {line.split()[0].rstrip(":"): line.split()[1] for line in about if "id:" in line}
        spaces = ["--mount", "--net", "--pid", "--ipc", "--uts", "--root", "--wd"]
        user = [f"--setuid={ids['Uid']}", f"--setgid={ids['Gid']}"]
        try:
            done = subprocess.run(
                ["nsenter", f"--target={pid}", *spaces, *user, "--", *command],
                env=_environment(pid),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
            )
        except (subprocess.TimeoutExpired, OSError):
            return None
        return done.stdout if done.returncode == 0 else None


def _environment(pid: int) -> dict[str, str]:
    """The environment that a process was started with."""
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return {name: value for name, _, value in (each.partition("=") for each in pairs if each)}
