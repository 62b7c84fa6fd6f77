"""How `up` and a preview without changes grow with the fleet: 3, 30 and 300 simulated nodes."""

import json
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from workshop.bench.goal import Results, table
from workshop.lab import nodes
from workshop.testing.checkout import REPOSITORY, passed
from workshop.testing.lab_fleet import Fleet, running_lab

SIZES = (3, 30, 300)
_COLUMNS = ("nodes", "Pulumi resources", "`up` s", "no-op preview s", "largest process MB")
# kwok makes about five nodes a second Ready.
_SECONDS_FOR_NODES = 240


def measure(size: int) -> list[str]:
    """Deploy the stack on a lab of its own with `size` nodes, then preview it once more.

    The number of resources, the seconds of both, and the megabytes of the largest process.
    """
    with bench_lab() as fleet:
        more = grow(fleet, size)
        passed(fleet.oceanid("env"))
        settings = _settings(fleet, more)
        up = _timed(fleet, settings, "up", "--yes")
        preview = _timed(fleet, settings, "preview", "--expect-no-changes")
        state = json.loads(fleet.engine(REPOSITORY, "stack", "export", "--stack", "dev").stdout)
        megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        resources = len(state["deployment"]["resources"])
        return [str(resources), f"{up:.1f}", f"{preview:.1f}", f"{megabytes:.0f}"]


@contextmanager
def bench_lab() -> Iterator[Fleet]:
    """A lab in a folder of its own for as long as the block runs."""
    with (
        tempfile.TemporaryDirectory(prefix="oceanid-bench-") as folder,
        running_lab(Path(folder)) as fleet,
    ):
        yield fleet


def grow(fleet: Fleet, size: int) -> list[dict[str, str]]:
    """Have the lab grow to a fleet of `size`; the settings of the nodes it adds."""
    more = tuple(
        nodes.Node(name=f"node-{number:03}", address=_address(number), labels={})
        for number in range(size - len(nodes.FLEET))
    )
    with fleet.api() as api:
        nodes.register(api, more)
        nodes.wait_until_ready(api, (*nodes.FLEET, *more), seconds=_SECONDS_FOR_NODES)
    return [{"name": node.name, "address": node.address} for node in more]


def results() -> Results:
    rows = []
    for size in SIZES:
        print(f"bench: a fleet of {size}", flush=True)
        rows.append([size, *measure(size)])
    return Results(table=table(_COLUMNS, rows, words=0))


def _settings(fleet: Fleet, more: list[dict[str, str]]) -> Path:
    path = fleet.home.path / "project" / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text())
    document["config"]["oceanid-cluster:nodes"] += more
    target = fleet.home.path / "Pulumi.dev.yaml"
    target.write_text(yaml.safe_dump(document))
    return target


def _timed(fleet: Fleet, settings: Path, *arguments: str) -> float:
    began = time.monotonic()
    passed(fleet.on_dev(settings, *arguments))
    return time.monotonic() - began


def _address(number: int) -> str:
    return f"203.0.{113 + number // 250}.{number % 250 + 1}"
