"""A rollback runs the command that the earlier commit has, wherever that commit keeps it."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from operations.delivery import earlier_state, rollback, work_tree
from operations.errors import OperationError
from workshop.testing.checkout import IDENTITY, completed, passed

_PRINTS = "import sys; print({!r}, *sys.argv[1:], flush=True)\n"
_LAYOUTS = {
    "operations/cli": ("operations.cli", "workshop/toolchain"),
    "operations/delivery": ("operations.delivery", "workshop/toolchain"),
    "delivery": ("delivery", "toolchain"),
}


def _git(folder: Path, *arguments: str) -> None:
    passed(completed("git", *arguments, cwd=folder, environment={**os.environ, **IDENTITY}))


def _commit(folder: Path, **programs: str) -> None:
    """A commit that holds these programs, `/` in their folders' names as `__`, and no others."""
    _git(folder, "rm", "--quiet", "-r", "--ignore-unmatch", ".")
    for name, prints in programs.items():
        program = folder / name.replace("__", "/") / "__main__.py"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(_PRINTS.format(prints))
    for package in {parent for path in folder.rglob("__main__.py") for parent in path.parents}:
        if package != folder and package.is_relative_to(folder):
            (package / "__init__.py").touch()
    (folder / "Makefile").write_text(".venv/.installed:\n\tfalse\n")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--allow-empty", "--message", "A layout")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of today's layout, in place of this one; all commits share its packages."""
    _git(tmp_path, "init", "--quiet")
    monkeypatch.setattr(rollback, "REPOSITORY", tmp_path)
    monkeypatch.setattr(work_tree, "REPOSITORY", tmp_path)
    monkeypatch.setattr(rollback, "engine_environment", lambda _stack: dict(os.environ))
    # These commits have no state; tests/delivery/test_earlier_state.py has it.
    monkeypatch.setattr(earlier_state, "restore", lambda *_: None)
    (tmp_path / ".git" / "info" / "exclude").write_text(".venv\n.toolchain\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("layout", _LAYOUTS)
def test_a_rollback_runs_the_earlier_commits_own_command_and_toolchain(
    layout: str, repository: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    module, toolchain = _LAYOUTS[layout]
    folders = (layout.replace("/", "__"), toolchain.replace("/", "__"))
    _commit(repository, **dict(zip(folders, (f"runs {module}", "fills .toolchain"), strict=True)))
    _commit(repository, operations__cli="today's", workshop__toolchain="today's programs")
    assert rollback.run("dev", "HEAD~1") == 0
    printed = capfd.readouterr().out
    assert f"needs a .toolchain of its own: .venv/bin/python -m {toolchain.replace('/', '.')}" in (
        printed
    )
    assert printed.endswith(
        f"fills .toolchain\noceanid: dev goes back to what HEAD~1 describes\n"
        f"runs {module} up --stack dev\n"
    )


def test_a_stack_on_the_official_engine_needs_no_toolchain_of_the_earlier_commit(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rollback, "is_built", lambda _stack: False)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    _commit(repository, delivery="runs delivery", toolchain="fills .toolchain")
    _commit(repository, operations__cli="today's", workshop__toolchain="today's programs")
    with pytest.raises(OperationError, match="HEAD~1 needs kubectl on PATH"):
        rollback.run("prod", "HEAD~1")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert rollback.run("prod", "HEAD~1") == 0
    assert ".toolchain" not in capfd.readouterr().out


def test_a_commit_from_before_any_command_is_refused(repository: Path) -> None:
    _commit(repository)
    _commit(repository, operations__cli="today's", workshop__toolchain="today's programs")
    with pytest.raises(OperationError, match="that commit has none of workshop/toolchain"):
        rollback.run("dev", "HEAD~1")
