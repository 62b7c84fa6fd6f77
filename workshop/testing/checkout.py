"""A clean checkout of this work tree with commits of its own, and the Makefile's commands in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
# For one command: several times what one takes here, so that a hang is told from slowness.
_SECONDS = 600
IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Test"), ("EMAIL", "test@example.invalid"))
}
# What a shell or a job may export and what would change which stack or backend is meant.
_NOT_INHERITED = ("PULUMI_", "OCEANID_", "GITHUB_", "AWS_", "TAILSCALE_", "KUBECONFIG", "MAKE")


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """The folder, and the environment its commands run in."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)

    def with_environment(self, **more: str) -> Checkout:
        """The same checkout for a job with other variables."""
        return Checkout(path=self.path, environment={**self.environment, **more})

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command in the checkout, with nothing of this process's stacks in its environment."""
        return subprocess.run(
            command,
            cwd=self.path,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`make ARGUMENTS`, as a workflow's step runs it."""
        return self.run("make", "--no-print-directory", *arguments)

    def delivery(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m delivery ARGUMENTS`, which is what the make targets run."""
        return self.run(".venv/bin/python", "-m", "delivery", *arguments)

    def start(self, sink: Path, *arguments: str) -> subprocess.Popen[bytes]:
        """The same in the background, in a process group of its own, its output in `sink`."""
        with sink.open("wb") as output:
            return subprocess.Popen(
                [".venv/bin/python", "-m", "delivery", *arguments],
                cwd=self.path,
                env=self.variables(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def variables(self) -> dict[str, str]:
        """The whole environment of a command."""
        own = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)}
        return {**own, **IDENTITY, **self.environment}

    def write(self, path: str, text: str) -> None:
        """Put a file into the checkout."""
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def leave_out(self, *sections: str) -> None:
        """Take sections that are not required out of the settings of `dev`."""
        path = self.path / "Pulumi.dev.yaml"
        document = yaml.safe_load(path.read_text())
        for section in sections:
            del document["config"][f"oceanid-cluster:{section}"]
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        self.commit(f"Leave out {', '.join(sections)}")

    def commit(self, message: str) -> str:
        """Commit all there is; the commit's hash."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        """What git prints; it must not fail."""
        result = self.run("git", *arguments)
        assert result.returncode == 0, said(result)
        return result.stdout

    def outputs(self, stack: str) -> dict[str, Any]:
        """The stack's outputs."""
        result = self.delivery("outputs", "--stack", stack)
        assert result.returncode == 0, said(result)
        outputs: dict[str, Any] = json.loads(result.stdout)
        return outputs


def clean_checkout(folder: Path, **environment: str) -> Checkout:
    """The work tree's files as they are now, as the first commit of a repository of their own.

    With this checkout's Python packages and a toolchain of its own, as `make toolchain` links it
    from the user's cache. `environment` is what its commands find.
    """
    checkout = Checkout(path=folder / "checkout", environment=environment)
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        source = REPOSITORY / name
        if source.is_file():
            target = checkout.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for name in ("requirements.txt", "requirements-dev.txt"):
        # They are installed: make must not install them once more into the packages it shares.
        os.utime(checkout.path / name, (0, 0))
    (checkout.path / ".venv").symlink_to(REPOSITORY / ".venv")
    checkout.git("init", "--quiet", "--initial-branch=main")
    checkout.commit("The project")
    made = checkout.make("toolchain")
    assert made.returncode == 0, said(made)
    return checkout


def said(result: subprocess.CompletedProcess[str]) -> str:
    """All a command printed, for messages and searches."""
    return f"{result.stdout}\n{result.stderr}"
