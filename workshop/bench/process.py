"""One program run once: how long, and how much memory."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Run:
    """Seconds on the clock, and megabytes of the process at its largest (its children apart)."""

    seconds: float
    megabytes: float


def run(command: Sequence[str], accepted: Sequence[int], environment: Mapping[str, str]) -> Run:
    """Run a program with its output thrown away. Raises RuntimeError for another exit code."""
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in accepted:
        raise RuntimeError(f"bench: {command[0]} ended with {process.returncode}")
    return Run(seconds=took, megabytes=usage.ru_maxrss / 1024)
