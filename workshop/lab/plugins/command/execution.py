"""Running one command: its streams and its environment."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any

from providers.plugin.errors import ProviderError

_SHELL = ("/bin/sh", "-c")
_LOGGED = {
    "stdout": {"stdout"},
    "stderr": {"stderr"},
    "stdoutAndStderr": {"stdout", "stderr"},
    "none": set(),
}
LOGGING_MODES = frozenset(_LOGGED)
_SECONDS_BETWEEN_LOOKS = 0.2


def execute(
    command: str,
    inputs: Mapping[str, Any],
    previous: Mapping[str, Any],
    *,
    log: Callable[[str], None],
    cancelled: threading.Event,
) -> dict[str, str]:
    """Run the command; give its `stdout` and `stderr`, each less one final newline.

    `previous` has the outputs of the run before, for `PULUMI_COMMAND_STDOUT` and `…_STDERR`.
    Raises ProviderError with the exit status, the command and all it printed, whatever `logging`
    says and whatever is secret in it: so does the real provider.
    """
    logged = _LOGGED[inputs.get("logging") or "stdoutAndStderr"]
    try:
        process = subprocess.Popen(
            [*(inputs.get("interpreter") or _SHELL), command],
            cwd=inputs.get("dir"),
            env=_environment(inputs, previous),
            stdin=subprocess.PIPE if inputs.get("stdin") else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A group of its own, so that a cancelled update ends what the command started, too.
            start_new_session=True,
        )
    except OSError as error:
        step = "chdir" if error.filename == inputs.get("dir") else "fork/exec"
        what = f"{step} {error.filename}: {(error.strerror or '').lower()}"
        raise ProviderError(_failure(what, command, [])) from None
    taken: dict[str, list[str]] = {"stdout": [], "stderr": []}
    printed: list[str] = []
    threads = [
        threading.Thread(
            target=_read,
            args=(stream, (taken[name], printed), log if name in logged else _say_nothing),
            daemon=True,
        )
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr))
    ]
    if process.stdin is not None:
        feed = (process.stdin, str(inputs["stdin"]))
        threads.append(threading.Thread(target=_feed, args=feed, daemon=True))
    for thread in threads:
        thread.start()
    _wait(process, cancelled)
    for thread in threads:
        thread.join()
    if process.returncode != 0:
        raise ProviderError(_failure(_status(process.returncode), command, printed))
    return {name: "".join(lines).removesuffix("\n") for name, lines in taken.items()}


def _environment(inputs: Mapping[str, Any], previous: Mapping[str, Any]) -> dict[str, str]:
    environment = os.environ | {k: str(v) for k, v in (inputs.get("environment") or {}).items()}
    if inputs.get("addPreviousOutputInEnv") is not False:
        for name in ("stdout", "stderr"):
            if previous.get(name):
                environment[f"PULUMI_COMMAND_{name.upper()}"] = str(previous[name])
    return environment


def _say_nothing(_line: str) -> None:
    """For a stream that is not logged."""


def _read(stream: IO[bytes], kept: tuple[list[str], ...], log: Callable[[str], None]) -> None:
    with stream:
        for raw in stream:
            line = raw.decode(errors="replace")
            for lines in kept:
                lines.append(line)
            log(line.rstrip("\n"))


def _feed(stream: IO[bytes], text: str) -> None:
    try:
        with stream:
            stream.write(text.encode())
    except BrokenPipeError:
        # The command did not read all of it, which is its own affair.
        return


def _wait(process: subprocess.Popen[bytes], cancelled: threading.Event) -> None:
    while True:
        try:
            process.wait(_SECONDS_BETWEEN_LOOKS)
        except subprocess.TimeoutExpired:
            if cancelled.is_set():
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise ProviderError("cancelled while the command ran") from None
        else:
            return


def _status(code: int) -> str:
    if code > 0:
        return f"exit status {code}"
    return f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"


def _failure(what: str, command: str, printed: list[str]) -> str:
    return f"{what}: running {json.dumps(command, ensure_ascii=False)}:\n{''.join(printed)}"
