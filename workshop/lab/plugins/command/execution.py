"""Running one command: its streams and its environment."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import Any

from providers.plugin.errors import ProviderError

_SHELL = ("/bin/sh", "-c")
_LOGGED = {
    "stdout": ("stdout",),
    "stderr": ("stderr",),
    "stdoutAndStderr": ("stdout", "stderr"),
    "none": (),
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
    try:
        process = subprocess.Popen(
            [*(inputs.get("interpreter") or _SHELL), command],
            cwd=inputs.get("dir"),
            env=_environment(inputs, previous),
            stdin=subprocess.PIPE if inputs.get("stdin") else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            # A group of its own, so that a cancelled update ends what the command started, too.
            start_new_session=True,
        )
    except OSError as error:
        step = "chdir" if error.filename == inputs.get("dir") else "fork/exec"
        what = f"{step} {error.filename}: {(error.strerror or '').lower()}"
        raise ProviderError(_failure(what, command, "")) from None
    stdout, stderr = _output(process, inputs.get("stdin"), cancelled)
    printed = {"stdout": stdout, "stderr": stderr}
    for name in _LOGGED[inputs.get("logging") or "stdoutAndStderr"]:
        for line in printed[name].splitlines():
            log(line)
    if process.returncode != 0:
        raise ProviderError(_failure(_status(process.returncode), command, stdout + stderr))
    return {name: text.removesuffix("\n") for name, text in printed.items()}


def _environment(inputs: Mapping[str, Any], previous: Mapping[str, Any]) -> dict[str, str]:
    environment = os.environ | {k: str(v) for k, v in (inputs.get("environment") or {}).items()}
    if inputs.get("addPreviousOutputInEnv") is not False:
        for name in ("stdout", "stderr"):
            if previous.get(name):
                environment[f"PULUMI_COMMAND_{name.upper()}"] = str(previous[name])
    return environment


def _output(
    process: subprocess.Popen[str], text: str | None, cancelled: threading.Event
) -> tuple[str, str]:
    """All that it prints until its end; it may leave of its input `text` what it likes."""
    while True:
        try:
            return process.communicate(text, _SECONDS_BETWEEN_LOOKS)
        except subprocess.TimeoutExpired:
            # What is not written yet goes on being written.
            text = None
            if cancelled.is_set():
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                raise ProviderError("cancelled while the command ran") from None


def _status(code: int) -> str:
    if code > 0:
        return f"exit status {code}"
    return f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"


def _failure(what: str, command: str, printed: str) -> str:
    return f"{what}: running {json.dumps(command, ensure_ascii=False)}:\n{printed}"
