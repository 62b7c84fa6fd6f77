"""The manifest scanner next to checkov, conftest and a bare parse, over the same files."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from policies.rules import all_rules, cross_resource_rules
from workshop.bench import corpus
from workshop.bench.goal import Goal, Results, table
from workshop.bench.process import Run, run
from workshop.toolchain.__main__ import BIN, HOME, provide
from workshop.toolchain.modules import CONFTEST

SIZES = (1, 100, 1000, 10_000)
_CHECKOV = "3.3.30"
_REGO = Path(__file__).with_name("rego")
_POLICIES = Path(__file__).resolve().parents[2] / "policies"
# What costs every scanner of YAML in Python at least: PyYAML on libyaml, and nothing done with it.
_PARSE = """
import sys, pathlib, yaml
for file in sorted(pathlib.Path(sys.argv[1]).rglob("*.yaml")):
    for document in yaml.load_all(file.read_bytes(), Loader=yaml.CSafeLoader):
        pass
"""
# Quick programs are run often and the best is taken; past this many seconds once is enough.
_ONCE_SECONDS = 8.0
_TIMES = 3
_ONE_SECONDS, _GOAL_SIZE = 0.15, 1000


@dataclass(frozen=True, kw_only=True)
class Scanner:
    """One program: how it is called on a folder, and the exit codes of a scan that went well.

    `slower` is how many times the seconds of our own it must take at least, as ours is to be.
    """

    name: str
    command: Callable[[Path], list[str]]
    accepted: tuple[int, ...]
    slower: float | None = None


def results() -> Results:
    """A row a number of manifests: seconds, how many times the scanner's own, and megabytes."""
    scanners = _scanners()
    rows = []
    goals: list[Goal] = []
    with tempfile.TemporaryDirectory(prefix="oceanid-bench-") as folder:
        for size in SIZES:
            print(f"bench: scanners over {size} manifests", flush=True)
            place = corpus.write(Path(folder), size)
            measured = [_measured(each, place) for each in scanners]
            own = measured[0].seconds
            cells = [
                f"{one.seconds:.2f} s, {one.seconds / own:.1f}x, {one.megabytes:.0f} MB"
                for one in measured
            ]
            rows.append([size, *cells])
            if size == 1:
                goals.append(Goal(name="one manifest", found=own, limit=_ONE_SECONDS, unit=" s"))
            elif size == _GOAL_SIZE:
                goals += [
                    Goal(
                        name=f"{size} manifests, {each.name}, against ours",
                        found=one.seconds / own,
                        limit=each.slower,
                        unit="x",
                        at_least=True,
                    )
                    for each, one in zip(scanners, measured, strict=True)
                    if each.slower is not None
                ]
    head = ("manifests", *(scanner.name for scanner in scanners))
    return Results(table=table(head, rows, words=len(head)), goals=tuple(goals))


def _measured(scanner: Scanner, place: Path) -> Run:
    runs: list[Run] = []
    while len(runs) < _TIMES and (not runs or runs[-1].seconds < _ONCE_SECONDS):
        # Byte code may be kept, as it is where the program was installed by pip.
        runs.append(run(scanner.command(place), scanner.accepted, {"PYTHONDONTWRITEBYTECODE": ""}))
    # What else the machine did can only have slowed the others.
    return min(runs, key=lambda each: each.seconds)


def _scanners() -> tuple[Scanner, ...]:
    # The scanner by itself, as ``pip install ./policies`` gives it.
    own = _environment("oceanid-scan", ["--force-reinstall", str(_POLICIES)])
    checkov = _environment("checkov", [f"checkov=={_CHECKOV}"])
    provide(CONFTEST)
    rules = len(all_rules()) + len(cross_resource_rules())
    rego = (_REGO / "kubernetes.rego").read_text().count("deny contains")
    checks = ["--framework", "kubernetes", "--quiet", "--compact", "--skip-download"]
    conftest = [str(BIN / "conftest"), "test", "--policy", str(_REGO), "--output", "json"]
    return (
        Scanner(
            name=f"oceanid-scan, {rules} rules",
            command=lambda place: [str(own / "oceanid-scan"), str(place)],
            accepted=(0, 1),
        ),
        Scanner(
            name=f"checkov {_CHECKOV}, all checks of Kubernetes",
            command=lambda place: [str(checkov / "checkov"), "-d", str(place), *checks],
            accepted=(0, 1),
            slower=15.0,
        ),
        Scanner(
            name=f"conftest 0.69.0 (compiled), {rego} of the rules in Rego",
            command=lambda place: [*conftest, str(place)],
            accepted=(0, 1),
            slower=1.0,
        ),
        Scanner(
            name="PyYAML on libyaml, parsing only",
            command=lambda place: [str(own / "python"), "-c", _PARSE, str(place)],
            accepted=(0,),
            slower=0.5,
        ),
    )


def _environment(name: str, wanted: list[str]) -> Path:
    """A virtual environment of the bench's own; the folder of its commands."""
    place = HOME / "bench" / name
    if not (place / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", "--compile", *wanted], check=True)
    return place / "bin"
