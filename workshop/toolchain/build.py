"""Builds one module and keeps the result in the user's cache folder by the hash of its sources."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import yaml

from workshop.toolchain.errors import ToolchainError
from workshop.toolchain.go import Go
from workshop.toolchain.modules import BUILD_FLAGS, Chart, Extract, Module, TaggedBinary

_NETWORK_FAULTS = re.compile(
    r"dial tcp|no such host|connection refused|connection reset|i/o timeout|TLS handshake"
    r"|proxyconnect|network is unreachable|unexpected EOF|50[234] |403 Forbidden|429 Too Many"
)
_PROGRESS_SECONDS = 20.0


def cache_folder() -> Path:
    """Where built modules are kept, so that another checkout has them in seconds."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "oceanid-cluster" / "toolchain"


def stored(module: Module) -> Path:
    """The module's folder in the cache; it exists only when the build of these sources is whole."""
    return cache_folder() / f"{module.name}-{module.digest()}"


def is_installed(module: Module, bin_folder: Path) -> bool:
    """Whether `bin_folder` already holds every product of the module's present sources."""
    stamp = bin_folder / f".{module.name}"
    return (
        stamp.exists()
        and stamp.read_text() == module.digest()
        and all((bin_folder / name).exists() for name in module.products)
    )


def install(module: Module, bin_folder: Path) -> None:
    """Put the module's products from the cache into `bin_folder`, the stamp last.

    Hard links where the file system allows them; not symbolic links, because the engine looks
    for its providers next to the file it was really started from.
    """
    bin_folder.mkdir(parents=True, exist_ok=True)
    stamp = bin_folder / f".{module.name}"
    stamp.unlink(missing_ok=True)
    for name in module.products:
        target = bin_folder / name
        if target.is_dir():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)
        source = stored(module) / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            link(source, target)
    stamp.write_text(module.digest())


def compile_module(module: Module, go: Go, log: Path) -> None:
    """Build every product of the module into the cache; raises ToolchainError with one line.

    An interruption leaves Go's own caches, so the next run goes on where this one stopped; the
    cache folder gets the result by one rename, so it never holds half of one. Go works on a copy
    of the sources: `go mod download` adds to go.sum, and their hash names the result.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    target = stored(module)
    target.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink, _partial(target) as partial, _copied(module) as copy:
        _run(copy, go, ["mod", "download"], sink, lambda _lines: "modules downloaded")
        for binary in module.binaries:
            total = len(_listed(copy, go, "-deps", binary.package).stdout.splitlines())
            arguments = ["build", "-v", *BUILD_FLAGS, f"-ldflags={binary.ldflags}"]
            if isinstance(binary, TaggedBinary):
                arguments.append(f"-tags={binary.tags}")
            arguments += ["-o", str(partial / binary.name), binary.package]
            progress = f"{binary.name}: {{}} of {total} packages compiled, unless kept from before"
            _run(copy, go, arguments, sink, progress.format)
        for extract in module.extracts:
            _extract(copy, go, extract, partial)


@contextmanager
def _copied(module: Module) -> Iterator[Module]:
    with tempfile.TemporaryDirectory(prefix=f"oceanid-{module.name}-") as folder:
        path = Path(folder) / module.path.name
        shutil.copytree(module.path, path)
        yield replace(module, path=path)


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield partial
        partial.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _run(
    module: Module, go: Go, arguments: list[str], sink: IO[bytes], progress: Callable[[int], str]
) -> None:
    """Run `go`; `progress` is what to say of so many lines that it has written."""
    log = Path(sink.name)
    started = shown = time.monotonic()
    before = _lines(log)
    process = subprocess.Popen(
        [go.command, *arguments],
        cwd=module.path,
        env=go.environment(),
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=sink,
    )
    try:
        while process.poll() is None:
            time.sleep(0.1)
            if time.monotonic() - shown >= _PROGRESS_SECONDS:
                shown = time.monotonic()
                said = progress(_lines(log) - before)
                print(f"           {shown - started:4.0f} s  {said}", flush=True)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if process.returncode != 0:
        raise ToolchainError(_explain(module, log))


def _explain(module: Module, log: Path) -> str:
    text = log.read_text(errors="replace")
    faults = [line.strip() for line in text.splitlines() if _NETWORK_FAULTS.search(line)]
    if faults:
        return (
            f"{module.name}: the Go module proxy could not be reached ({faults[-1][:160]}): check "
            f"the network and GOPROXY, then run `make toolchain` again; it goes on where it stopped"
        )
    last = [line.strip() for line in text.splitlines() if line.strip()][-1:] or ["no message"]
    return f"{module.name}: go failed ({last[0][:160]}): the whole log is {log}"


def _listed(module: Module, go: Go, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [go.command, "list", *arguments],
        cwd=module.path,
        env=go.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def _extract(module: Module, go: Go, extract: Extract, target: Path) -> None:
    listed = _listed(module, go, "-m", "-f", "{{.Dir}}", extract.module)
    source = Path(listed.stdout.strip()) / extract.path
    if listed.returncode != 0 or not source.exists():
        raise ToolchainError(
            f"{module.name}: {extract.module} has no {extract.path}: "
            f"the version in workshop/toolchain/{module.path.name}/go.mod is not the one this "
            "build was written for"
        )
    if source.is_dir():
        shutil.copytree(source, target / extract.name)
    else:
        shutil.copy2(source, target / extract.name)
    if isinstance(extract, Chart):
        _drop_dependencies(target / extract.name)


def _drop_dependencies(chart: Path) -> None:
    (chart / "Chart.lock").unlink(missing_ok=True)
    about = chart / "Chart.yaml"
    fields = yaml.safe_load(about.read_text())
    fields.pop("dependencies", None)
    about.write_text(yaml.safe_dump(fields, sort_keys=False))


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system cannot."""
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
