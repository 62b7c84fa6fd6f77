"""A lab of its own for a test run, and the engine on it, as the Makefile's targets use them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from operations.delivery.environment import engine, engine_variables
from providers.plugin.variables import TAILSCALE_API_KEY, TAILSCALE_BASE_URL
from settings.names import NAMESPACE
from workshop.lab.home import Home
from workshop.lab.kube import connect
from workshop.lab.node.tether import tethered
from workshop.lab.node_kind import NodeKind
from workshop.testing.checkout import (
    REPOSITORY,
    Completed,
    clean_checkout,
    completed,
    in_background,
    passed,
)

NAMESPACE_PATH = f"/api/v1/namespaces/{NAMESPACE}"
WITHOUT_SECRETS = ("externalSecrets", "monitoring")
"""Groups that `running_lab` may leave out of the settings: every update takes half the time."""

_OCEANID = (sys.executable, "-m", "operations.cli")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A running lab in a folder of its own, and the checkout whose commands are run on it."""

    home: Home
    checkout: Path = REPOSITORY
    nodes: NodeKind = NodeKind.SIMULATED

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, with the lab's folder and what its nodes are."""
        return {
            **os.environ,
            "OCEANID_LAB": str(self.home.path),
            "OCEANID_NODES": self.nodes.value,
        }

    @property
    def variables(self) -> dict[str, str]:
        """What the lab gives the engine."""
        lines = self.home.environment.read_text().splitlines()
        return {key: value for key, _, value in (line.partition("=") for line in lines)}

    def lab(self, command: str) -> Completed:
        return self._run([*_OCEANID, "lab", command])

    def oceanid(self, command: str, *arguments: str) -> Completed:
        """`oceanid COMMAND --stack dev`; the command of a group has two words."""
        return self._run([*_OCEANID, *command.split(), "--stack", "dev", *arguments])

    def update(self, *arguments: str) -> Completed:
        """The same `up` without the preview before it, where that would tell a test nothing."""
        return self.oceanid("up", "--skip-preview", *arguments)

    def start_oceanid(self, command: str, sink: Path) -> subprocess.Popen[bytes]:
        """The same in the background, in a process group of its own, its output in `sink`."""
        words = (*_OCEANID, command, "--stack", "dev")
        return in_background(sink, *words, cwd=self.checkout, environment=self.environment)

    def engine(self, project: Path, *arguments: str, **environment: str) -> Completed:
        """The engine itself on another program, with the lab's environment and backend."""
        own = self.variables
        for name in ("PULUMI_STACK", "PULUMI_OPTION_CONFIG_FILE"):
            own.pop(name, None)  # they are for the stack `dev` of this repository's own program
        return self._run(
            [engine(), *arguments, "--non-interactive"],
            cwd=project,
            env={**self.environment, **own, **engine_variables(), **environment},
        )

    def on_dev(self, settings: Path, *arguments: str) -> Completed:
        """The engine on `dev` with the settings of a file, and with the policy pack."""
        chosen = ("--stack", "dev", "--config-file", str(settings), "--policy-pack", "policies")
        return self.engine(self.checkout, *arguments, *chosen)

    def api(self) -> httpx.Client:
        """The API server, as its administrator."""
        return connect(self.home.kubeconfig)

    def get(self, path: str) -> Any:  # whatever the API server has there
        """One object or list of the API server as JSON."""
        with self.api() as api:
            return api.get(path).raise_for_status().json()

    def patch(self, path: str, change: dict[str, Any]) -> None:
        """Merge a change into an object, as `kubectl patch` does."""
        headers = {"content-type": "application/merge-patch+json"}
        with self.api() as api:
            api.patch(path, content=json.dumps(change), headers=headers).raise_for_status()

    def pods(self, name: str) -> list[dict[str, Any]]:
        """The stack's pods whose `app.kubernetes.io/name` is `name`."""
        selector = f"?labelSelector=app.kubernetes.io/name={name}"
        items: list[dict[str, Any]] = self.get(f"{NAMESPACE_PATH}/pods{selector}")["items"]
        return items

    def tailnet(self) -> httpx.Client:
        """Tailscale's API of the lab."""
        own = self.variables
        return httpx.Client(
            base_url=f"{own[TAILSCALE_BASE_URL]}/api/v2", auth=(own[TAILSCALE_API_KEY], "")
        )

    def change_settings(self, change: Callable[[dict[str, Any]], None]) -> None:
        path = self.checkout / "Pulumi.dev.yaml"
        document = yaml.safe_load(path.read_text())
        change(document["config"])
        path.write_text(yaml.safe_dump(document, sort_keys=False))

    def outputs(self) -> dict[str, Any]:
        outputs: dict[str, Any] = json.loads(passed(self.oceanid("outputs")).stdout)
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
    ) -> Completed:
        return completed(*command, cwd=cwd or self.checkout, environment=env or self.environment)


@contextmanager
def running_lab(
    folder: Path,
    *,
    left_out: tuple[str, ...] = (),
    checkout: Path = REPOSITORY,
    deployed: bool = False,
    nodes: NodeKind = NodeKind.SIMULATED,
) -> Iterator[Fleet]:
    """A lab in `folder` for as long as the block runs; ended whatever happens in it.

    With groups of settings `left_out`, its commands are those of a clean checkout without them.
    """
    if left_out:
        clean = clean_checkout(folder)
        clean.leave_out(*left_out)
        checkout = clean.path
    fleet = Fleet(home=Home(path=folder / "lab"), checkout=checkout, nodes=nodes)
    # A killed test run must leave no node behind: this machine holds three such labs at most.
    tether = tethered(fleet.home) if nodes is NodeKind.REAL else nullcontext()
    with tether:
        try:
            passed(fleet.lab("up"))
            if deployed:
                passed(fleet.update())
            yield fleet
        finally:
            passed(fleet.lab("down"))
