"""A clean checkout of this work tree with commits of its own, and the Makefile's commands in it."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Completed = subprocess.CompletedProcess[str]

REPOSITORY = Path(__file__).resolve().parents[2]
# For one command: several times what one takes here, so that a hang is told from slowness.
_SECONDS = 600
_OCEANID = (".venv/bin/python", "-m", "operations.cli")
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

    def with_environment(self, **more: str) -> "Checkout":
        """The same checkout for a job with other variables."""
        return Checkout(path=self.path, environment={**self.environment, **more})

    def run(self, *command: str) -> Completed:
        """A command in the checkout, with nothing of this process's stacks in its environment."""
        return completed(*command, cwd=self.path, environment=self.variables())

    def make(self, *arguments: str) -> Completed:
        """`make ARGUMENTS`, as a workflow's step runs it."""
        return self.run("make", "--no-print-directory", *arguments)

    def oceanid(self, *arguments: str) -> Completed:
        """`oceanid ARGUMENTS` of this checkout, whose packages are another one's."""
        return self.run(*_OCEANID, *arguments)

    def start(self, sink: Path, *arguments: str) -> subprocess.Popen[bytes]:
        """The same in the background, in a process group of its own, its output in `sink`."""
        command = (*_OCEANID, *arguments)
        return in_background(sink, *command, cwd=self.path, environment=self.variables())

    def variables(self) -> dict[str, str]:
        """The whole environment of a command."""
        own = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)}
        return {**own, **IDENTITY, **self.environment}

    def write(self, path: str, text: str) -> None:
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
        return passed(self.run("git", *arguments)).stdout

    def outputs(self, stack: str) -> dict[str, Any]:
        printed = passed(self.oceanid("outputs", "--stack", stack)).stdout
        outputs: dict[str, Any] = json.loads(printed)
        return outputs


def tracked(*patterns: str) -> list[Path]:
    """The work tree's files that git keeps or would keep, as they are now."""
    options = ("--cached", "--others", "--exclude-standard", "-z")
    listed = passed(completed("git", "ls-files", *options, *patterns)).stdout
    paths = (REPOSITORY / name for name in listed.split("\0") if name)
    return [path for path in paths if path.is_file()]


def completed(
    *command: str,
    cwd: Path = REPOSITORY,
    environment: Mapping[str, str] | None = None,
    given: str = "",
) -> Completed:
    """A command run to its end, with this process's environment unless another is given.

    `given` is what it reads on its standard input.
    """
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )


def kubectl() -> str:
    """The kubectl of the toolchain, or that on PATH; there must be one."""
    built = REPOSITORY / ".toolchain" / "bin" / "kubectl"
    found = str(built) if built.exists() else shutil.which("kubectl")
    assert found is not None, "no kubectl: run make toolchain"
    return found


def clean_checkout(folder: Path, **environment: str) -> Checkout:
    """The work tree's files as they are now, as the first commit of a repository of their own.

    With this checkout's Python packages and a toolchain of its own, as `make toolchain` links it
    from the user's cache. `environment` is what its commands find.
    """
    checkout = Checkout(path=folder / "checkout", environment=environment)
    for source in tracked():
        target = checkout.path / source.relative_to(REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    for name in ("requirements-dev.lock", "pyproject.toml"):
        # They are installed: make must not install them once more into the packages it shares.
        os.utime(checkout.path / name, (0, 0))
    (checkout.path / ".venv").symlink_to(REPOSITORY / ".venv")
    checkout.git("init", "--quiet", "--initial-branch=main")
    checkout.commit("The project")
    passed(checkout.make("toolchain"))
    return checkout


def in_background(
    sink: Path, *command: str, cwd: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """A command that goes on in a process group of its own, its output in `sink`."""
    with sink.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def said(result: Completed) -> str:
    """All a command printed, for messages and searches."""
    return f"{result.stdout}\n{result.stderr or ''}"


def passed(result: Completed) -> Completed:
    """The same, of a command that must succeed."""
    assert result.returncode == 0, said(result)
    return result


def failed(result: Completed) -> str:
    """All that a command printed that must fail."""
    assert result.returncode != 0, said(result)
    return said(result)
