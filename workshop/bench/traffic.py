"""Traffic on a path: how much passes in a second, what it costs, and how soon it begins."""

import os
import selectors
import time
from dataclasses import dataclass
from pathlib import Path as File

from workshop.bench.path import Path
from workshop.lab.network.plan import ECHO

_WARM_UP_SECONDS = 0.4
_TICK = os.sysconf("SC_CLK_TCK")
_ENDLESS = 10**12
_BUFFER = bytearray(1 << 20)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Bytes in a stretch of time, and the CPU seconds of each program in it."""

    seconds: float
    count: int
    cpu: dict[str, float]

    @property
    def megabytes_a_second(self) -> float:
        """10^6 bytes a second."""
        return self.count / self.seconds / 1e6


def downloaded(path: Path, connections: int, seconds: float) -> Flow:
    """What arrives by so many connections at once, after they have warmed up."""
    with selectors.DefaultSelector() as selector:
        open_ones = [path.connect() for _ in range(connections)]
        try:
            for each in open_ones:
                each.sendall(_request(f"/bytes/{_ENDLESS}"))
                each.settimeout(0)
                selector.register(each, selectors.EVENT_READ)
            _received(selector, _WARM_UP_SECONDS)
            before, began = _cpu(path), time.monotonic()
            count = _received(selector, seconds)
            took, after = time.monotonic() - began, _cpu(path)
        finally:
            for each in open_ones:
                each.close()
    return Flow(seconds=took, count=count, cpu={name: after[name] - before[name] for name in after})


def _received(selector: selectors.BaseSelector, seconds: float) -> int:
    """Bytes read from all connections meanwhile. Raises RuntimeError where one ends."""
    count, deadline = 0, time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            arrived = key.fileobj.recv_into(_BUFFER)  # type: ignore[union-attr]
            if not arrived:
                raise RuntimeError("bench: the site closed a connection")
            count += arrived
    return count


def first_byte_seconds(path: Path) -> float:
    """From the beginning of a new connection to the first byte of the site's answer.

    Not to the end of `connect`: a proxy may take a connection before the site has.
    """
    began = time.perf_counter()
    with path.connect() as connection:
        connection.sendall(_request("/ip"))
        if not connection.recv(1):
            raise RuntimeError(f"bench: no answer by {path.name}")
        return time.perf_counter() - began


def _request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {ECHO.host}\r\n\r\n".encode()


def _cpu(path: Path) -> dict[str, float]:
    return {name: sum(_cpu_seconds(pid) for pid in pids) for name, pids in path.processes.items()}


def _cpu_seconds(pid: int) -> float:
    """A process' user and system time so far: fields 14 and 15 of proc_pid_stat(5)."""
    fields = File(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK
