"""One command at a time, by a file lock, which the kernel releases when the process ends."""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# Paths of the locks that are held for the commands which a command runs, such as a rollback's `up`.
HELD = "OCEANID_TURN"

_UNNAMED_SECONDS = 0.02


@contextmanager
def taken(path: Path, program: str, what: str) -> Iterator[None]:
    """Hold the lock at `path`; wait, and say so, while another command holds it.

    `program` is who says so, `what` is what the holder does, for those that wait.
    """
    lock = _locked(path, program)
    if lock is None:
        yield
        return
    with lock:
        lock.truncate(0)
        lock.write(f"{what}, pid {os.getpid()}, since {time.strftime('%H:%M:%S')}")
        lock.flush()
        before = os.environ.get(HELD)
        os.environ[HELD] = os.pathsep.join(filter(None, (before, str(path))))
        try:
            yield
        finally:
            if before is None:
                del os.environ[HELD]
            else:
                os.environ[HELD] = before
            lock.truncate(0)  # the next holder is not to be taken for this one


def _locked(path: Path, program: str) -> IO[str] | None:
    """The open file with its lock, or None where the command that runs this one holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("a+")
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if str(path) in os.environ.get(HELD, "").split(os.pathsep):
                lock.close()
                return None
            _wait(lock, program)
        if not _is_at(lock, path):
            # The packages that this process runs by are gone too.
            sys.exit(f"{program}: `make clean` has removed what is needed: run the command again")
    except BaseException:
        lock.close()
        raise
    return lock


def _wait(lock: IO[str], program: str) -> None:
    """Take the lock when its holder is done, having said whom this command waits for."""
    while not (holder := _read(lock)):
        # Its holder has the lock and has not written yet who it is, or has just ended.
        time.sleep(_UNNAMED_SECONDS)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return
    print(
        f"{program}: another command is at work here ({holder}): waiting for it",
        file=sys.stderr,
        flush=True,
    )
    fcntl.flock(lock, fcntl.LOCK_EX)


def _read(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read()


def _is_at(lock: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except FileNotFoundError:
        return False
