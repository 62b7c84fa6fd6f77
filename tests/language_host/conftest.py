"""Fixtures: an executor, and a host that runs by it."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .running import Process, RunningHost, running_host

# What the SDK's executor comes down to, for programs that need no engine.
_EXECUTOR = """\
import os, runpy, sys
program = next(part for part in sys.argv[1:] if os.path.isdir(part) or part == ".")
os.chdir(sys.argv[sys.argv.index("--pwd") + 1])
runpy.run_path(program, run_name="__main__")
"""


@pytest.fixture
def executor(tmp_path: Path) -> Path:
    path = tmp_path / "executor"
    path.write_text(_EXECUTOR)
    return path


@pytest.fixture
def host(executor: Path) -> Iterator[RunningHost]:
    with running_host(executor) as running:
        yield running


@pytest.fixture
def announced(tmp_path: Path) -> Iterator[Callable[[str], Process]]:
    """Return how to wait for the process that writes its id as a line to the named pipe."""
    with ExitStack() as stack:

        def wait(name: str) -> Process:
            with (tmp_path / name).open() as pipe:
                process = Process(int(pipe.readline()))
            stack.callback(process.close)
            return process

        for name in ("first", "second"):
            os.mkfifo(tmp_path / name)
        yield wait
