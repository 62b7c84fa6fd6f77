"""The Python interpreter that a project's runtime options choose."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pulumi.runtime.proto import language_pb2

from workshop.toolchain.language_host.errors import HostError


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """An executable and the virtual environment it belongs to, if the options name one."""

    executable: str
    virtualenv: str | None

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return `base` as after `activate` of the virtual environment."""
        environment = dict(base)
        if self.virtualenv is not None:
            environment.pop("PYTHONHOME", None)
            environment["VIRTUAL_ENV"] = self.virtualenv
            folder = f"{self.virtualenv}/bin"
            path = environment.get("PATH")
            environment["PATH"] = f"{folder}{os.pathsep}{path}" if path else folder
        return environment


def choose(info: language_pb2.ProgramInfo) -> Interpreter:
    """Return the interpreter for the project in `info.root_directory`.

    Options: `virtualenv`, a folder relative to the root directory; `toolchain`, which is `pip`.
    Without a virtualenv it is the interpreter that runs the host, which has the SDK installed.
    Raises HostError on any other option, so that a misspelt one never means another interpreter
    in silence, and on a missing virtual environment.
    """
    options: dict[str, object] = dict(info.options.items())
    toolchain = _text(options, "toolchain") or "pip"
    virtualenv = _text(options, "virtualenv")
    if options:
        name = min(options)
        raise HostError(
            f"{info.root_directory}: runtime option {name} is not known to this language host; "
            "it knows virtualenv and toolchain"
        )
    if toolchain != "pip":
        raise HostError(
            f"{info.root_directory}: runtime option toolchain is {toolchain!r}, but this language "
            "host knows pip only: use pip and name a virtualenv"
        )
    if virtualenv is None:
        return Interpreter(executable=sys.executable, virtualenv=None)
    folder = os.path.normpath(Path(info.root_directory, virtualenv))
    executable = f"{folder}/bin/python"
    if not os.access(executable, os.X_OK):
        raise HostError(
            f"{info.root_directory}: runtime option virtualenv is {virtualenv!r}, but {folder} is "
            f"not a virtual environment: make it with `python3.11 -m venv {folder}` and "
            f"`{folder}/bin/pip install -r requirements.txt`"
        )
    return Interpreter(executable=executable, virtualenv=folder)


def _text(options: dict[str, object], name: str) -> str | None:
    value = options.pop(name, None)
    if value is not None and not isinstance(value, str):
        raise HostError(f"runtime option {name} must be a string, not {value!r}")
    return value
