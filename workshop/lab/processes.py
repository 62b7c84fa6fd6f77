"""Starts, finds and ends the lab's processes, and never one that is not the lab's.

A process is known by a mark in its environment, which the kernel keeps for as long as it lives:
a stale pid file, a reused pid or a lost pid file can then neither hide a process of ours nor
point at somebody else's.
"""

import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from operations.delivery import shell
from workshop.lab.home import Home, LabError

_MARK = "OCEANID_LAB_PROCESS"
_SECONDS_TO_END = 10.0


@dataclass(frozen=True, kw_only=True)
class Service:
    """A long-running program of the lab. No secret may stand in `argv`: `ps` shows it.

    `namespace` is the file that stands for the network namespace it is to run in.
    """

    name: str
    argv: tuple[str, ...]
    namespace: str | None = None
    environment: dict[str, str] = field(default_factory=dict)


def start(home: Home, service: Service) -> bool:
    """Start the service unless it runs already with these arguments; say whether it was started."""
    pid = find(home, service.name)
    if pid is not None:
        if arguments(pid) == service.argv:
            return False
        stop(home, service.name)
    log = home.logs / f"{service.name}.log"
    entered = ("nsenter", f"--net={service.namespace}", "--") if service.namespace else ()
    with log.open("ab") as sink:
        process = subprocess.Popen(
            (*entered, *service.argv),
            # Nothing that a shell exports for another cluster or another tailnet.
            env={
                **shell.passed_on(os.environ),
                **service.environment,
                _MARK: _mark(home, service.name),
            },
            cwd=home.path,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    _pid_file(home, service.name).write_text(f"{process.pid}\n")
    # The kernel shows the new environment only some instants after `exec` has succeeded.
    while process.poll() is None and not _is_ours(process.pid, home, service.name):
        time.sleep(0.001)
    # The lab outlives this command: it is not for this process to wait for it.
    process.returncode = 0
    return True


def find(home: Home, name: str) -> int | None:
    """The pid of the lab's process `name`, or None when it does not run."""
    file = _pid_file(home, name)
    if file.exists():
        recorded = file.read_text().strip()
        if recorded.isdigit() and _runs(int(recorded), home, name):
            return int(recorded)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _runs(int(entry.name), home, name):
            file.write_text(f"{entry.name}\n")
            return int(entry.name)
    return None


def running(home: Home) -> list[str]:
    """Names of all processes of the lab that run, whoever started them."""
    prefix = f"{_MARK}={_mark(home, '')}".encode()
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            for name in _named(int(entry.name), prefix):
                found.add(name)
    return sorted(found)


def stop(home: Home, name: str) -> bool:
    """End the lab's process `name`; say whether there was one. Raises LabError if it stays."""
    pid = find(home, name)
    if pid is not None:
        # A pidfd stands for this very process: no signal can reach a later owner of the pid.
        handle = os.pidfd_open(pid)
        try:
            if _is_ours(pid, home, name):
                _end(handle, name)
        finally:
            os.close(handle)
    _pid_file(home, name).unlink(missing_ok=True)
    return pid is not None


def assert_alive(home: Home, name: str) -> None:
    """Raise LabError with the last line of its log when the process has ended."""
    if find(home, name) is None:
        log = home.logs / f"{name}.log"
        lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        last = lines[-1][:300] if lines else "it said nothing"
        raise LabError(f"{name} ended while starting: {last} (log: {log})")


def _end(handle: int, name: str) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        signal.pidfd_send_signal(handle, number)
        if select.select([handle], [], [], _SECONDS_TO_END)[0]:
            return
    raise LabError(f"{name} did not end within {2 * _SECONDS_TO_END:.0f} s: look at it with ps")


def _pid_file(home: Home, name: str) -> Path:
    return home.processes / f"{name}.pid"


def _mark(home: Home, name: str) -> str:
    return f"{home.path}:{name}"


def _runs(pid: int, home: Home, name: str) -> bool:
    """Whether it is ours and stays: one that is killed has, on a busy machine, yet to end."""
    if not _is_ours(pid, home, name):
        return False
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        wait = _SECONDS_TO_END if is_killed(pid) else 0
        return not select.select([handle], [], [], wait)[0]
    finally:
        os.close(handle)


def children(pid: int) -> list[int]:
    """Pids of what it has started and what has not ended; empty once it has."""
    found: list[int] = []
    for each in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread, or the process, has ended
            found += map(int, each.read_text().split())
    return found


def tree(pid: int) -> list[int]:
    """A process and all that it started and that has not ended, by their pids."""
    return [pid, *(found for child in children(pid) for found in tree(child))]


def is_killed(pid: int) -> bool:
    """Whether SIGKILL has been sent to it."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return True
    pending = [line.split()[1] for line in lines if line.startswith(("SigPnd:", "ShdPnd:"))]
    return any(int(mask, 16) & 1 << (signal.SIGKILL - 1) for mask in pending)


def _is_ours(pid: int, home: Home, name: str) -> bool:
    return f"{_MARK}={_mark(home, name)}".encode() in _environment(pid)


def _named(pid: int, prefix: bytes) -> list[str]:
    return [
        entry.removeprefix(prefix).decode()
        for entry in _environment(pid)
        if entry.startswith(prefix)
    ]


def _environment(pid: int) -> list[bytes]:
    """The environment the process was started with; empty once it has ended."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return []
    return [] if state == "Z" else environment


def arguments(pid: int) -> tuple[str, ...]:
    """What it was started with; empty once it has ended."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(part.decode() for part in raw.split(b"\0")[:-1])
