"""`make toolchain`: fills `.toolchain/bin`; does nothing when it is up to date.

With a part, what only that part's tests need: programs that `make toolchain` leaves out.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from operations.delivery import turn
from workshop.toolchain import build, engine, go, modules
from workshop.toolchain.errors import ToolchainError
from workshop.toolchain.modules import Module

HOME = Path(__file__).resolve().parents[2] / ".toolchain"
BIN = HOME / "bin"
_PARTS = {
    "network": (modules.NODES, modules.TAILSCALE, modules.COREDNS, modules.PROBER),
    "monitoring": (modules.PROMTOOL,),
}


def main(part: str | None = None, *, real_nodes: bool = False) -> int:
    """Install what is missing; exit code 0, or 1 after one line that says what to do.

    With `real_nodes` also what such nodes run, in one forecast with the rest.
    """
    try:
        if part is None:
            with _alone():
                _install(_PARTS["network"] if real_nodes else ())
        else:
            for module in _PARTS[part]:
                provide(module)
    except ToolchainError as error:
        print(f"toolchain: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\ntoolchain: interrupted: `make toolchain` goes on where this stopped", file=sys.stderr
        )
        return 130
    return 0


def _install(also: tuple[Module, ...]) -> None:
    wanted = [
        modules.KUBERNETES,
        modules.KWOK,
        modules.EXTERNAL_SECRETS,
        modules.EXTERNAL_SECRETS_NEXT,
        modules.PROMETHEUS_OPERATOR,
        *also,
    ]
    if shutil.which("kubectl") is None:
        wanted.append(modules.KUBECTL)
    found = engine.official(BIN)
    if found is None:
        wanted.append(modules.PULUMI)
    else:
        command, version = found
        print(f"toolchain: the official pulumi {version} at {command} is used, with its plugins")
        engine.remove(HOME)
    missing = _provide(wanted)
    if found is None:
        engine.install(HOME)
    if missing:
        print(f"toolchain: ready: {', '.join(n for m in wanted for n in m.products)}")


def provide(module: Module) -> None:
    """Put one module's products into `.toolchain/bin`, for what `make toolchain` leaves out.

    Raises ToolchainError with one line that says what to do.
    """
    if build.is_installed(module, BIN):
        return  # and need not wait for a build of something else
    with _alone():
        _provide([module])


def _provide(wanted: list[Module]) -> list[Module]:
    """Build and install what is missing of `wanted`, and give it back."""
    missing = [module for module in wanted if not build.is_installed(module, BIN)]
    _build([module for module in missing if not build.stored(module).exists()])
    for module in missing:
        build.install(module, BIN)
    return missing


def _build(absent: list[Module]) -> None:
    if not absent:
        return
    steps = len(absent) + 1
    forecast = sum(module.minutes for module in absent)
    print(
        f"toolchain: {len(absent)} Go modules to build, once for this machine: about "
        f"{forecast:.0f} min on 2 cores plus the downloads (40 min at the most)",
        flush=True,
    )
    with _step(1, steps, "find Go"):
        compiler = go.find(absent, HOME)
        print(f"           go {compiler.version}: {compiler.command}", flush=True)
    for number, module in enumerate(absent, start=2):
        names = ", ".join(module.products)
        with _step(number, steps, f"{module.name}: {names}"):
            build.compile_module(module, compiler, HOME / "log" / f"{module.name}.log")
    # The caches are several GB and the results are kept: nothing reads them again.
    shutil.rmtree(HOME / "go", ignore_errors=True)


@contextmanager
def _step(number: int, steps: int, what: str) -> Iterator[None]:
    print(f"step {number}/{steps}   {what}", flush=True)
    started = time.monotonic()
    yield
    print(f"           done in {time.monotonic() - started:.0f} s", flush=True)


def _alone() -> AbstractContextManager[None]:
    """Hold the lock of this checkout's toolchain; a second run waits for the first one."""
    return turn.taken(HOME / "lock", "toolchain", "make toolchain")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m workshop.toolchain", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("part", nargs="?", choices=_PARTS)
    sys.exit(main(parser.parse_args().part))
