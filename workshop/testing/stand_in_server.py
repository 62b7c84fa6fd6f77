"""A stand-in of an API as a process of its own, as the lab runs it."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from workshop.testing.checkout import REPOSITORY


@dataclass
class Started:
    """A process that has written its address and its API key."""

    process: subprocess.Popen[str]
    url: str
    api_key: str


@dataclass
class StandInServer(Started):
    """A running stand-in, and clients of it with and without its API key."""

    api: httpx.Client
    lab: httpx.Client

    def forget_requests(self) -> None:
        self.lab.delete("/lab/requests").raise_for_status()

    def stop(self) -> None:
        """Kill the server as hard as can be, and close the clients."""
        self.api.close()
        self.lab.close()
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(module: str, folder: Path, *arguments: str) -> Started:
    """Start the server on a free port with its files in `folder`."""
    command = [sys.executable, "-m", module, "--port", "0"]
    files = ["--state", str(folder / "state.json"), "--credentials", str(folder / "api-key")]
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [*command, *files, *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=REPOSITORY,
        )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url, (folder / "log").read_text()
    return Started(process, url, (folder / "api-key").read_text().strip())
