"""Two commands at once: one waits for the other and says so, and a kill leaves no lock."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from operations.delivery import turn

_REPOSITORY = Path(__file__).resolve().parents[2]
_HOLD = """
import sys
from pathlib import Path
from operations.delivery import turn
with turn.taken(Path(sys.argv[1]), "lab", sys.argv[2]):
    print("holds", flush=True)
    sys.stdin.readline()
"""


def _command(lock: Path, what: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(lock), what],
        cwd=_REPOSITORY,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate("\n")
    assert process.returncode == 0


def test_a_killed_command_holds_nobody_off(tmp_path: Path) -> None:
    first = _command(tmp_path / "lock", "up of dev")
    assert _line(first.stdout) == "holds"
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    second = _command(tmp_path / "lock", "up of dev")
    assert _line(second.stdout) == "holds"
    _, said = second.communicate("\n")
    assert said == ""


def test_who_waits_names_a_holder_that_was_slow_to_write_who_it_is(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = _command(path, "preview of dev")
        _wait_until_open(second.pid, path)
        time.sleep(0.1)  # without a name for a while
        lock.write("up of dev, pid 1")
        lock.flush()
        assert "(up of dev, pid 1)" in _line(second.stderr)
    _end(second)


def test_who_has_ended_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with turn.taken(path, "oceanid", "up of dev"):
        pass
    assert path.read_text() == ""


def _wait_until_open(pid: int, path: Path) -> None:
    deadline = time.monotonic() + 30
    while path not in (each.resolve() for each in Path(f"/proc/{pid}/fd").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_command_does_not_wait_for_the_one_that_runs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCEANID_TURN", raising=False)
    lock = tmp_path / "lock"
    with turn.taken(lock, "delivery", "rollback of dev"):
        child = _command(lock, "up of dev")
        assert _line(child.stdout) == "holds"
        _end(child)
    assert "OCEANID_TURN" not in os.environ


def test_a_name_left_in_the_environment_gives_no_turn(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    first = _command(lock, "up of dev", OCEANID_TURN=str(lock))
    assert _line(first.stdout) == "holds"
    second = _command(lock, "up of dev")
    assert "up of dev" in _line(second.stderr)
    _end(first)
    _end(second)


def test_who_waits_while_all_is_removed_does_not_go_on_without_it(tmp_path: Path) -> None:
    lock = tmp_path / "lab" / "lock"
    first = _command(lock, "lab clean")
    assert _line(first.stdout) == "holds"
    second = _command(lock, "up of dev")
    assert "lab clean" in _line(second.stderr)
    lock.unlink()
    lock.parent.rmdir()
    _end(first)
    _, said = second.communicate()
    assert second.returncode == 1
    assert said == "lab: `make clean` has removed what is needed: run the command again\n"
