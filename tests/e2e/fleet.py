"""A lab of its own for a test run, and the engine on it, as the Makefile's targets use them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from delivery.environment import engine, engine_variables
from lab.home import Home
from lab.kube import connect
from tests.delivery.checkout import REPOSITORY, clean_checkout, said
from tests.waiting import ENGINE_SECONDS


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A running lab in a folder of its own, and the checkout whose commands are run on it."""

    home: Home
    checkout: Path = REPOSITORY

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, with the lab's folder named."""
        return {**os.environ, "OCEANID_LAB": str(self.home.path)}

    def lab(self, command: str) -> subprocess.CompletedProcess[str]:
        """`python -m lab COMMAND`."""
        return self._run([sys.executable, "-m", "lab", command])

    def delivery(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m delivery COMMAND --stack dev`, as `make up` and `make preview` run it."""
        return self._run([sys.executable, "-m", "delivery", command, "--stack", "dev", *arguments])

    def update(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The same `up` without the preview before it, where that would tell a test nothing."""
        return self.delivery("up", "--skip-preview", *arguments)

    def start_delivery(self, command: str, sink: Path) -> subprocess.Popen[bytes]:
        """The same in the background, in a process group of its own, its output in `sink`."""
        with sink.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "delivery", command, "--stack", "dev"],
                cwd=self.checkout,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def engine(
        self, project: Path, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """The engine itself on another program, with the lab's environment and backend."""
        lines = self.home.environment.read_text().splitlines()
        own = {key: value for key, _, value in (line.partition("=") for line in lines)}
        for name in ("PULUMI_STACK", "PULUMI_OPTION_CONFIG_FILE"):
            own.pop(name, None)  # they are for the stack `dev` of this repository's own program
        return self._run(
            [engine(), *arguments, "--non-interactive"],
            cwd=project,
            env={**self.environment, **own, **engine_variables(), **environment},
        )

    def api(self) -> httpx.Client:
        """The API server, as its administrator."""
        return connect(self.home.kubeconfig)

    def get(self, path: str) -> Any:  # whatever the API server has there
        """One object or list of the API server as JSON."""
        with self.api() as api:
            return api.get(path).raise_for_status().json()

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        result = self.delivery("outputs")
        assert result.returncode == 0, result.stderr
        outputs: dict[str, Any] = json.loads(result.stdout)
        return outputs

    def files(self) -> Iterator[tuple[Path, bytes]]:
        """Every file of the lab with its content; its processes may write while one reads."""
        for path in self.home.path.rglob("*"):
            try:
                content = path.read_bytes() if path.is_file() else None
            except FileNotFoundError:  # a temporary file that has taken its place by now
                continue
            if content is not None:
                yield path, content

    def _run(
        self, command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=cwd or self.checkout,
            env=env or self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=ENGINE_SECONDS,
        )


@contextmanager
def running_lab(folder: Path, checkout: Path = REPOSITORY) -> Iterator[Fleet]:
    """A lab in `folder` for as long as the block runs; ended whatever happens in it."""
    fleet = Fleet(home=Home(path=folder), checkout=checkout)
    try:
        up = fleet.lab("up")
        assert up.returncode == 0, said(up)
        yield fleet
    finally:
        down = fleet.lab("down")
        assert down.returncode == 0, said(down)


@contextmanager
def gateways_only(folder: Path) -> Iterator[Fleet]:
    """A lab and a clean checkout whose stack has neither synced secrets nor monitoring.

    For tests of the rest: every update takes half the time.
    """
    checkout = clean_checkout(folder)
    checkout.leave_out("externalSecrets", "monitoring")
    with running_lab(folder / "lab", checkout.path) as one:
        yield one
