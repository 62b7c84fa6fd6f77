"""Runs the engine in this process's place: its output as it comes, Ctrl-C as it is meant."""

import contextlib
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TextIO

from operations.delivery import lab_stack, reachable
from operations.delivery.environment import (
    LAB_STACK,
    RECORDS,
    REPOSITORY,
    config_file,
    engine,
    for_stack,
)
from operations.errors import OperationError
from settings import check_file

_POLICIES = "policies"
PACK_OPTIONS = ("--policy-pack", "--policy-pack-config")

# The engine's refusal of what exceeds a saved plan gives both values in full, decrypted secrets
# too [resource/deploy/plan.go, MakeError]. The names of the properties stand before the bracket.
_EXCEEDS = re.compile(r"(violates plan: properties changed: [^\[\n]*)\[.*")


def policy_pack(stack: str) -> tuple[str, ...]:
    """The options that have an operation on `stack` judged, by its own levels where it has some.

    A self-managed backend enforces nothing by itself: they go with every preview and update.
    """
    options = (PACK_OPTIONS[0], _POLICIES)
    levels = f"{_POLICIES}/config.{stack}.json"
    if not (REPOSITORY / levels).exists():
        return options
    return (*options, PACK_OPTIONS[1], levels)


def stack_environment(stack: str) -> dict[str, str]:
    """The engine's environment for `stack`, whose settings have been checked.

    Raises OperationError with a line for each thing that is missing or wrong.
    """
    environment = for_stack(stack)
    wrong = check_file(config_file(stack))
    if wrong:
        raise OperationError("\n".join([f"{config_file(stack).name} is wrong:", *wrong]))
    return environment


def stack_command(
    stack: str, environment: dict[str, str], arguments: tuple[str, ...], *, configured: bool = True
) -> list[str]:
    """The engine's command line on `stack`; `configured` when it reads the stack's file.

    For such a command the stack of the lab is made when need be, and freed from the lock of a run
    that was killed. One that only reads the state changes nothing, even while an update runs.
    Raises OperationError when such a command's API server does not answer.
    """
    if configured:
        reachable.require_answer(stack, environment)
    command = [engine(stack), *arguments, "--stack", stack]
    if stack == LAB_STACK and configured:
        command += ["--config-file", str(lab_stack.prepare(environment))]
    return command


def on_stack(stack: str, *arguments: str, configured: bool = True) -> int:
    """The exit code of the engine with these arguments on `stack`; `configured` as above."""
    environment = stack_environment(stack)
    command = stack_command(stack, environment, arguments, configured=configured)
    return run(command, environment, filtered=configured)


def run(
    command: list[str],
    environment: dict[str, str],
    *,
    changes: bool = True,
    filtered: bool = True,
) -> int:
    """The exit code of the engine, which takes this process's terminal.

    Without a terminal nobody can be asked; what never `changes` anything refuses to be told so.
    What it prints there is `filtered`, unless it is data.
    """
    if not sys.stdout.isatty():
        confirmed = {"PULUMI_SKIP_CONFIRMATIONS": "true"} if changes else {}
        environment = {**environment, **confirmed}
        command = [*command, "--non-interactive"]
        if filtered:
            return _filtered(command, environment)
    # In this process's group, so that Ctrl-C reaches the engine, which then ends in good order.
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment) as process:
        return _wait(process)


def run_under_plan(command: list[str], environment: dict[str, str]) -> int:
    """The same for an update that a saved plan constrains: no value of a property is shown."""
    environment = {**environment, "PULUMI_SKIP_CONFIRMATIONS": "true"}
    return _filtered([*command, "--non-interactive"], environment)


def _filtered(command: list[str], environment: dict[str, str]) -> int:
    """The exit code of the engine, without a terminal; no line of it harms who reads it."""
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        # Ctrl-C reaches the engine by itself; this process reads on until the engine has ended.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        pairs = ((process.stdout, sys.stdout), (process.stderr, sys.stderr))
        try:
            with ThreadPoolExecutor(max_workers=len(pairs)) as pool:
                for source, sink in pairs:
                    pool.submit(_copy, source, sink)
            return process.wait()
        finally:
            signal.signal(signal.SIGINT, before)


def _copy(source: IO[str] | None, sink: TextIO) -> None:
    for line in source or ():
        # The engine goes on when nobody reads any more: it may be in the middle of an update.
        with contextlib.suppress(BrokenPipeError):
            print(reachable.without_advice(without_values(line)), end="", file=sink, flush=True)


def without_values(line: str) -> str:
    """A line of the engine's without the values that a refusal by the plan would show."""
    return _EXCEEDS.sub(r"\1 (values not shown)", line)


def record(name: str) -> Path:
    """The path of a record; an older one of that name is gone, since the engine appends."""
    RECORDS.mkdir(mode=0o700, exist_ok=True)
    path = RECORDS / name
    path.unlink(missing_ok=True)
    return path


def _wait(process: subprocess.Popen[bytes]) -> int:
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
