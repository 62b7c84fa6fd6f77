"""Locks: whose they are, and which of them may be released."""

import json
import os
import socket
from pathlib import Path

import pytest

from operations.delivery import lock
from operations.delivery.state_store import FolderStore
from operations.errors import OperationError

# No process has it: the kernel's highest is 4194304.
_NOBODY = 2**30
_FOLDER = ".pulumi/locks/organization/oceanid-cluster/prod"


def _put(folder: Path, name: str, *, host: str, pid: int) -> None:
    path = folder / _FOLDER / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = {"pid": pid, "username": "ana", "hostname": host, "timestamp": "2026-11-21T06:40:36Z"}
    path.write_text(json.dumps(holder))


def _release(folder: Path, name: str | None = None) -> list[str]:
    return lock.release(FolderStore(folder), "oceanid-cluster", "prod", name)


def test_a_stack_that_nobody_has_locked_needs_no_release(tmp_path: Path) -> None:
    assert _release(tmp_path) == []


def test_a_lock_whose_process_has_ended_here_is_released(tmp_path: Path) -> None:
    _put(tmp_path, "one", host=socket.gethostname(), pid=_NOBODY)
    holder = f"ana@{socket.gethostname()}, pid {_NOBODY}, since 2026-11-21T06:40:36"
    assert _release(tmp_path) == [f"prod: the lock of {holder} is released"]
    assert not list(tmp_path.rglob("*.json"))


def test_a_process_id_that_another_program_has_now_holds_no_lock(tmp_path: Path) -> None:
    _put(tmp_path, "one", host=socket.gethostname(), pid=os.getpid())
    assert len(_release(tmp_path)) == 1


def test_the_locks_of_other_stacks_stay(tmp_path: Path) -> None:
    _put(tmp_path, "one", host=socket.gethostname(), pid=_NOBODY)
    other = tmp_path / ".pulumi/locks/organization/oceanid-cluster/dev/two.json"
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    _release(tmp_path)
    assert other.exists()


def test_a_half_written_lock_is_held_by_somebody_unknown(tmp_path: Path) -> None:
    path = tmp_path / _FOLDER / "torn.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"pid": 1')
    with pytest.raises(OperationError, match=r"unknown@unknown.*--lock torn"):
        _release(tmp_path)
    with pytest.raises(OperationError, match="prod has no lock two"):
        _release(tmp_path, "two")
    assert len(_release(tmp_path, "torn")) == 1


def test_a_process_that_this_user_may_not_look_at_holds_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "readlink", forbidden)
    _put(tmp_path, "one", host=socket.gethostname(), pid=os.getppid())
    with pytest.raises(OperationError, match="the engine is at work on prod"):
        _release(tmp_path)


def test_where_processes_cannot_be_looked_at_any_that_lives_holds_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_PROCESSES", tmp_path / "no-proc")
    _put(tmp_path, "one", host=socket.gethostname(), pid=os.getppid())
    with pytest.raises(OperationError, match="the engine is at work on prod"):
        _release(tmp_path)
    _put(tmp_path, "one", host=socket.gethostname(), pid=_NOBODY)
    assert len(_release(tmp_path)) == 1
