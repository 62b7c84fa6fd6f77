"""Running one command: its streams, its environment, and what may be said about it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any

from provider_plugin.errors import ProviderError

_SHELL = ("/bin/sh", "-c")
_LOGGED = {
    "stdout": {"stdout"},
    "stderr": {"stderr"},
    "stdoutAndStderr": {"stdout", "stderr"},
    "none": set(),
}
LOGGING_MODES = frozenset(_LOGGED)
_HIDDEN = "[secret]"
_SECONDS_BETWEEN_LOOKS = 0.2


def execute(
    command: str,
    inputs: Mapping[str, Any],
    previous: Mapping[str, Any],
    *,
    secrets: Iterable[str],
    log: Callable[[str], None],
    cancelled: threading.Event,
) -> dict[str, str]:
    """Run the command; give its `stdout` and `stderr`, each less one final newline.

    `previous` has the outputs of the run before, for `PULUMI_COMMAND_STDOUT` and `…_STDERR`.
    Raises ProviderError with the exit status; neither that nor the log shows any of `secrets`.
    """
    logged = _LOGGED[inputs.get("logging") or "stdoutAndStderr"]
    hide = _Hider(secrets)
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
        raise ProviderError(
            f"cannot start the command in {inputs.get('dir') or os.curdir!r}: {error.strerror}"
        ) from None
    taken: dict[str, list[str]] = {"stdout": [], "stderr": []}
    threads = [
        threading.Thread(
            target=_read, args=(stream, taken[name], _logger(name, logged, log, hide)), daemon=True
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
        raise ProviderError(_failure(process.returncode, command, taken, logged, hide))
    return {name: "".join(lines).removesuffix("\n") for name, lines in taken.items()}


class _Hider:
    """Replaces secrets in text that people will read."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # Each line of a secret is one: output comes line by line. The longest goes first.
        lines = {line.strip() for text in secrets for line in text.splitlines()}
        self._secrets = sorted((line for line in lines if line), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text


def _environment(inputs: Mapping[str, Any], previous: Mapping[str, Any]) -> dict[str, str]:
    environment = os.environ | {k: str(v) for k, v in (inputs.get("environment") or {}).items()}
    if inputs.get("addPreviousOutputInEnv") is not False:
        for name in ("stdout", "stderr"):
            if previous.get(name):
                environment[f"PULUMI_COMMAND_{name.upper()}"] = str(previous[name])
    return environment


def _logger(
    name: str, logged: set[str], log: Callable[[str], None], hide: _Hider
) -> Callable[[str], None]:
    if name not in logged:
        return lambda _line: None
    return lambda line: log(hide(line.rstrip("\n")))


def _read(stream: IO[bytes], lines: list[str], log: Callable[[str], None]) -> None:
    with stream:
        for raw in stream:
            line = raw.decode(errors="replace")
            lines.append(line)
            log(line)


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


def _failure(
    status: int, command: str, taken: Mapping[str, list[str]], logged: set[str], hide: _Hider
) -> str:
    what = f"exit status {status}" if status > 0 else f"signal {-status}"
    output = "".join(
        line for name in ("stdout", "stderr") if name in logged for line in taken[name]
    )
    said = f":\n{hide(output).rstrip()}" if output.strip() else ""
    return f"{what}: running {hide(command)!r}{said}"
