"""Which engine runs the stack: an official `pulumi` on PATH, or the one built here."""

import filecmp
import shlex
import shutil
import sys
from pathlib import Path

from operations.delivery import official_engine
from workshop.toolchain import build
from workshop.toolchain.modules import KUBERNETES_PROVIDER_VERSION, PULUMI, STAND_IN_VERSIONS

_REPOSITORY = Path(__file__).resolve().parents[2]

# Beside the built engine: it looks there for its language host.
_LANGUAGE_HOST = "pulumi-language-python"
# In each script, by which it is known again.
_MARK = "# Written by `make toolchain`"


def official(bin_folder: Path) -> tuple[Path, str] | None:
    """The official CLI on PATH and its version, when there is one that is new enough.

    The engine built into `bin_folder` does not count.
    """
    found = official_engine.on_path(bin_folder)
    if found is None:
        return None
    if not found.is_new_enough:
        print(f"toolchain: {found.why_not}: the engine built here is used")
        return None
    return found.command, found.version


def install(home: Path) -> None:
    """Give the engine built into `home`/bin its language host and its providers.

    The kubernetes provider is the real one; tailscale and command are the lab's stand-ins, because
    theirs are not available as Go modules.
    """
    host = [sys.executable, "-P", str(_REPOSITORY / "workshop" / "toolchain" / "language_host")]
    _write_command(home / "bin" / _LANGUAGE_HOST, host, {})
    provider = _plugin(home, "kubernetes", KUBERNETES_PROVIDER_VERSION)
    provider.parent.mkdir(parents=True, exist_ok=True)
    built = home / "bin" / provider.name
    if not provider.exists() or provider.stat().st_size != built.stat().st_size:
        provider.unlink(missing_ok=True)
        build.link(built, provider)
    for name, version in STAND_IN_VERSIONS.items():
        command = [sys.executable, "-m", f"workshop.lab.plugins.{name}"]
        _write_command(_plugin(home, name, version), command, {"PYTHONPATH": str(_REPOSITORY)})


def remove(home: Path) -> None:
    """Take away a built engine and what it was given, once; nothing that was not made here.

    Its plugins go with their folders and the engine's lock files: an engine that finds the folder
    takes the plugin for installed.
    """
    stamp = home / "bin" / f".{PULUMI.name}"
    if not stamp.exists():
        return
    for name, version in {"kubernetes": KUBERNETES_PROVIDER_VERSION, **STAND_IN_VERSIONS}.items():
        plugin = _plugin(home, name, version)
        if _is_ours(plugin, home / "bin" / plugin.name):
            shutil.rmtree(plugin.parent)
            plugin.parent.with_name(f"{plugin.parent.name}.lock").unlink(missing_ok=True)
    for name in (*PULUMI.products, _LANGUAGE_HOST):
        (home / "bin" / name).unlink(missing_ok=True)
    stamp.unlink()


def _is_ours(plugin: Path, built: Path) -> bool:
    """Whether `install` has put the plugin there."""
    if not plugin.is_file():
        return False
    if built.exists() and filecmp.cmp(plugin, built, shallow=False):
        return True
    with plugin.open("rb") as source:
        return _MARK.encode() in source.read(200)


def _plugin(home: Path, name: str, version: str) -> Path:
    folder = home / "pulumi-home" / "plugins" / f"resource-{name}-v{version}"
    return folder / f"pulumi-resource-{name}"


def _write_command(path: Path, command: list[str], environment: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = "".join(f"{key}={shlex.quote(value)} " for key, value in environment.items())
    script = (
        "#!/bin/sh\n"
        f"{_MARK}: runs this checkout's own {path.name}.\n"
        f'{settings}exec {shlex.join(command)} "$@"\n'
    )
    if path.exists() and path.read_text() == script:
        return
    partial = path.with_suffix(".partial")
    partial.write_text(script)
    partial.chmod(0o755)
    partial.rename(path)
