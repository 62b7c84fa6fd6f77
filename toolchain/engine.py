"""Which engine runs the stack: an official `pulumi` on PATH, or the one built here."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

# Older engines lack `plugins: providers:` for Python folders and `policy analyze`.
OLDEST_OFFICIAL = (3, 200, 0)

_REPOSITORY = Path(__file__).resolve().parent.parent

# Commands put beside the built engine: it looks there for its language host and providers.
_WRAPPERS = {
    "pulumi-language-python": ["-P", str(_REPOSITORY / "toolchain" / "language_host")],
    "pulumi-resource-tailscale": ["-m", "lab.plugins.tailscale"],
    "pulumi-resource-command": ["-m", "lab.plugins.command"],
}


def official(bin_folder: Path) -> tuple[Path, str] | None:
    """The official CLI on PATH and its version, when there is one that is new enough.

    The engine built into `bin_folder` does not count.
    """
    folders = os.environ.get("PATH", "").split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if Path(folder) != bin_folder)
    command = shutil.which("pulumi", path=path)
    if command is None:
        return None
    result = subprocess.run([command, "version"], capture_output=True, text=True, check=False)
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", result.stdout.strip())
    if match is None or tuple(map(int, match.groups())) < OLDEST_OFFICIAL:
        return None
    return Path(command), match.group(0).removeprefix("v")


def install_wrappers(bin_folder: Path) -> None:
    """Write the language host and the stand-in providers beside the built engine."""
    bin_folder.mkdir(parents=True, exist_ok=True)
    for name, arguments in _WRAPPERS.items():
        script = (
            "#!/bin/sh\n"
            f"# Written by `make toolchain`: runs this checkout's own {name}.\n"
            f"PYTHONPATH={shlex.quote(str(_REPOSITORY))} "
            f'exec {shlex.quote(sys.executable)} {shlex.join(arguments)} "$@"\n'
        )
        path = bin_folder / name
        if not path.exists() or path.read_text() != script:
            partial = path.with_suffix(".partial")
            partial.write_text(script)
            partial.chmod(0o755)
            partial.rename(path)


def remove_built(bin_folder: Path, products: tuple[str, ...]) -> None:
    """Take away a built engine and its helpers, so that an official one finds its own."""
    for name in (*products, *_WRAPPERS, ".pulumi"):
        (bin_folder / name).unlink(missing_ok=True)
