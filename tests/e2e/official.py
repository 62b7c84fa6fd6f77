"""An official-like Pulumi CLI: the engine in use, with a home of its user's and plugins in it.

Where no official CLI is, this is a copy of the built engine with the stand-ins of two providers,
laid out as an official installation is.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from operations.delivery.environment import engine, is_built
from workshop.testing.checkout import REPOSITORY, Checkout, clean_checkout, passed

# What the engine itself writes into its home: logins, selected stacks, the newest release known.
_OF_THE_ENGINE = ("credentials.json", "workspaces", ".cachedVersionInfo")


@dataclass(frozen=True, kw_only=True)
class Official:
    """A checkout whose commands find the official-like CLI, and that CLI's home."""

    checkout: Checkout
    home: Path

    def content(self) -> dict[str, str]:
        """A digest of every file in the home, apart from what the engine writes."""
        return {
            str(path.relative_to(self.home)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.home.rglob("*"))
            if path.is_file() and path.relative_to(self.home).parts[0] not in _OF_THE_ENGINE
        }


@contextmanager
def installed(folder: Path) -> Iterator[Official]:
    """The CLI on PATH of a checkout of its own; the checkout's lab is ended with the block."""
    bin_folder, home = folder / "official" / "bin", folder / "home"
    environment = {"PULUMI_HOME": str(home), "OCEANID_NODES": "simulated"}
    if is_built():
        _copy(bin_folder, home)
        environment["PATH"] = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    else:
        home.mkdir(parents=True)
        environment["PATH"] = f"{Path(engine()).parent}{os.pathsep}{os.environ['PATH']}"
    checkout = clean_checkout(folder, **environment)
    try:
        yield Official(checkout=checkout, home=home)
    finally:
        passed(checkout.oceanid("lab", "down"))


def _copy(bin_folder: Path, home: Path) -> None:
    built = REPOSITORY / ".toolchain"
    bin_folder.mkdir(parents=True)
    for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec"):
        shutil.copy2(built / "bin" / name, bin_folder / name)
    plugins = home / "plugins"
    shutil.copytree(built / "pulumi-home" / "plugins", plugins)
    for plugin in list(plugins.iterdir()):
        plugin.with_name(f"{plugin.name}.lock").touch()
