"""Every pair of commands on one lab: the second waits and says so, and what only reads does not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.delivery import turn
from operations.delivery.stack_turn import ENGINE_COMMANDS
from workshop.testing.checkout import REPOSITORY

_LABS_OWN = ("lab up", "lab down")
_READS = ("outputs", "state export", "report", "lab status")


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A lab's folder that a command is at work in."""
    folder = tmp_path / "lab"
    folder.mkdir()
    monkeypatch.delenv("OCEANID_TURN", raising=False)
    with turn.taken(folder / "lock", "lab", "lab up"):
        yield folder


def _start(lab: Path, command: str) -> subprocess.Popen[str]:
    stack = () if command.startswith("lab ") else ("--stack", "dev")
    own = {key: value for key, value in os.environ.items() if key != "OCEANID_TURN"}
    return subprocess.Popen(
        [sys.executable, "-m", "operations.cli", *command.split(), *stack],
        cwd=REPOSITORY,
        env={**own, "OCEANID_LAB": str(lab)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("command", [*sorted(ENGINE_COMMANDS), *_LABS_OWN])
def test_a_command_says_whom_it_waits_for_before_it_starts_anything(
    lab: Path, command: str
) -> None:
    process = _start(lab, command)
    assert process.stderr is not None
    said = process.stderr.readline()
    process.kill()
    out, _ = process.communicate()
    who = "lab" if command in _LABS_OWN else "oceanid"
    assert said.startswith(f"{who}: another command is at work here (lab up, pid {os.getpid()}")
    assert said.endswith("): waiting for it\n")
    assert out == ""
    left = {path.name for path in lab.iterdir()} - {"log", "run", "pki"}
    assert left == {"lock"}


@pytest.mark.parametrize("command", _READS)
def test_what_only_reads_does_not_wait(lab: Path, command: str) -> None:
    process = _start(lab, command)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0  # there is nothing to read
    assert "waiting" not in said
    assert "Traceback" not in said


def test_the_line_for_a_shell_fails_where_the_command_does(tmp_path: Path) -> None:
    process = _start(tmp_path / "no-lab", "env")
    out, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == "false\n"
    assert said == "oceanid: the lab has not been set up: run `oceanid lab up` first\n"


def test_the_labs_stack_is_not_made_into_the_repositorys_file(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("PULUMI_BACKEND_URL=file:///nonexistent\n")
    process = _start(tmp_path, "init")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.splitlines()[-1] == "oceanid: dev is the lab's stack: `oceanid up` makes it"
