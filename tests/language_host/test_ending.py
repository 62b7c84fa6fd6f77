"""How the host ends: at once, and never before its children."""

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2

from .running import DEADLINE_SECONDS, Process, RunningHost, command

_SLEEPER = """
import os, signal, subprocess, sys, time
first, second, ignored = {first!r}, {second!r}, {ignored!r}
if ignored:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
for path, pid in ((first, os.getpid()), (second, grandchild.pid)):
    with open(path, "w") as pipe:
        print(pid, file=pipe)
time.sleep(600)
"""

Announced = Callable[[str], Process]


def _sleeper(host: RunningHost, *, ignored: bool = False) -> language_pb2.ProgramInfo:
    """Return a program that announces itself and its child, then sleeps."""
    first, second = str(host.folder / "first"), str(host.folder / "second")
    source = _SLEEPER.format(first=first, second=second, ignored=ignored)
    return host.program(source)


@dataclass
class _Call:
    """A running call, the program it runs and that program's own child."""

    call: Any  # what gRPC calls return; its stubs do not say
    program: Process
    grandchild: Process

    def all_ended(self) -> bool:
        return self.program.has_ended() and self.grandchild.has_ended()


def _run(host: RunningHost, announced: Announced, *, ignored: bool = False) -> _Call:
    info = _sleeper(host, ignored=ignored)
    request = language_pb2.RunRequest(info=info, pwd=info.program_directory)
    call = host.runtime.Run.future(request)
    return _Call(call, announced("first"), announced("second"))


def _run_plugin(host: RunningHost, announced: Announced, *, ignored: bool = False) -> _Call:
    info = _sleeper(host, ignored=ignored)
    call = host.runtime.RunPlugin(language_pb2.RunPluginRequest(info=info, kind="resource"))
    return _Call(call, announced("first"), announced("second"))


@pytest.mark.parametrize("start", [_run, _run_plugin], ids=["program", "plugin"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("ignored", [False, True], ids=["heeded", "ignored"])
def test_a_signal_ends_the_host_its_children_and_theirs(
    host: RunningHost,
    announced: Announced,
    start: Callable[..., _Call],
    number: signal.Signals,
    ignored: bool,  # noqa: FBT001
) -> None:
    running = start(host, announced, ignored=ignored)
    host.process.send_signal(number)
    assert host.process.wait(DEADLINE_SECONDS) == 0
    assert running.all_ended()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_idle_host_silently(host: RunningHost, number: signal.Signals) -> None:
    host.process.send_signal(number)
    assert host.ended() == (0, "")


@pytest.mark.parametrize("start", [_run, _run_plugin], ids=["program", "plugin"])
def test_a_killed_host_leaves_no_child(
    host: RunningHost, announced: Announced, start: Callable[..., _Call]
) -> None:
    running = start(host, announced, ignored=True)
    host.process.kill()
    assert running.program.has_ended()


@pytest.mark.parametrize("start", [_run, _run_plugin], ids=["program", "plugin"])
@pytest.mark.parametrize("ignored", [False, True], ids=["heeded", "ignored"])
def test_a_cancelled_call_ends_its_child_and_not_the_host(
    host: RunningHost,
    announced: Announced,
    start: Callable[..., _Call],
    ignored: bool,  # noqa: FBT001
) -> None:
    running = start(host, announced, ignored=ignored)
    running.call.cancel()
    assert running.all_ended()
    assert host.runtime.GetPluginInfo(empty_pb2.Empty()).version


def test_the_engines_cancel_interrupts_the_program(host: RunningHost, announced: Announced) -> None:
    running = _run(host, announced)
    host.runtime.Cancel(empty_pb2.Empty())
    assert running.all_ended()
    assert running.call.result(DEADLINE_SECONDS).error == "program was ended by SIGINT"


def test_the_host_ends_with_the_engine_that_started_it(
    executor: Path, tmp_path: Path, announced: Announced
) -> None:
    source = f"""
import subprocess, time
host = subprocess.Popen({command(executor)!r}, stdout=subprocess.PIPE)
host.stdout.readline()
with open({str(tmp_path / "first")!r}, "w") as pipe:
    print(host.pid, file=pipe)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", source]) as engine:
        host = announced("first")
        engine.kill()
        assert host.has_ended()
