"""Locks on a stack's state, and the release of one that a killed run has left."""

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from operations.delivery.state_store import StateStore
from operations.errors import OperationError

_FOLDER = ".pulumi/locks"
# Linux's; macOS has none.
_PROCESSES = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class Lock:
    """One lock: who holds it, as the engine wrote it down [backend/diy/lock.go]."""

    key: str
    user: str
    host: str
    pid: int
    since: str

    @property
    def name(self) -> str:
        return Path(self.key).stem

    @property
    def is_of_this_machine(self) -> bool:
        """Whether the process that holds it would be found here."""
        return self.host == socket.gethostname()

    @property
    def is_held(self) -> bool:
        """Whether an engine of that process id may run on this machine.

        Where this user cannot see what the process is, as on macOS, any process counts.
        """
        try:
            program = (_PROCESSES / str(self.pid) / "exe").readlink()
            return program.name.startswith("pulumi")
        except PermissionError:  # another user's
            return True
        except OSError:
            return not _PROCESSES.exists() and _is_alive(self.pid)

    def __str__(self) -> str:
        return f"{self.user}@{self.host}, pid {self.pid}, since {self.since}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def locks_on(store: StateStore, project: str, stack: str) -> list[Lock]:
    """The locks on a stack; one that was half-written counts as held by nobody known."""
    keys = [
        key
        for key in store.keys(_FOLDER)
        if f"/{project}/{stack}/" in key and key.endswith(".json")
    ]
    return [_parse(key, store.read(key)) for key in keys]


def release(store: StateStore, project: str, stack: str, name: str | None) -> list[str]:
    """Release what a killed run has left; a line for each lock that is gone.

    Without `name`, only the locks of this machine whose process has ended. A lock of another
    machine is released by its name, by somebody who knows that its run has ended. Raises
    OperationError when a lock stays.
    """
    locks = locks_on(store, project, stack)
    if name and name not in {lock.name for lock in locks}:
        raise OperationError(f"{stack} has no lock {name}: {len(locks)} in all")
    done = []
    for lock in locks:
        if lock.is_of_this_machine and lock.is_held:
            raise OperationError(
                f"the engine is at work on {stack} ({lock}): wait until it has ended"
            )
        if not lock.is_of_this_machine and lock.name != name:
            raise OperationError(
                f"{stack} is locked by {lock}. If that run has ended (look at its job or machine), "
                f"release it by: oceanid unlock --stack {stack} --lock {lock.name}"
            )
        store.delete(lock.key)
        done.append(f"{stack}: the lock of {lock} is released")
    return done


def _parse(key: str, content: bytes) -> Lock:
    try:
        record = json.loads(content)
        return Lock(
            key=key,
            user=str(record["username"]),
            host=str(record["hostname"]),
            pid=int(record["pid"]),
            since=str(record["timestamp"])[:19],
        )
    except (ValueError, KeyError, TypeError):
        return Lock(key=key, user="unknown", host="unknown", pid=0, since="unknown")
