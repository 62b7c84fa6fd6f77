"""How `up` and a preview without changes grow with the fleet: 3, 30 and 300 simulated nodes."""

from __future__ import annotations

import json
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.goal import Results
from lab import nodes
from lab.home import Home
from tests.delivery.checkout import REPOSITORY, said
from tests.e2e.fleet import Fleet

SIZES = (3, 30, 300)
# kwok makes about five nodes a second Ready.
SECONDS_FOR_NODES = 240


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Seconds, and megabytes of the largest process, for a fleet of so many nodes."""

    nodes: int
    resources: int
    up: float
    preview: float
    megabytes: float


def measure(size: int) -> Figures:
    """Deploy the stack on a lab of its own with `size` nodes, then preview it once more."""
    with tempfile.TemporaryDirectory(prefix="oceanid-bench-") as folder:
        fleet = Fleet(home=Home(path=Path(folder)))
        try:
            _require(fleet.lab("up").returncode == 0, "lab up")
            more = more_nodes(size)
            with fleet.api() as api:
                nodes.register(api, tuple(more))
                nodes.wait_until_ready(api, (*nodes.FLEET, *more), seconds=SECONDS_FOR_NODES)
            _require(fleet.delivery("env").returncode == 0, "stack init")
            settings = _settings(fleet, more)
            chosen = ("--stack", "dev", "--config-file", str(settings))
            pack = ("--policy-pack", "policies")
            up = _timed(fleet, "up", "--yes", *chosen, *pack)
            preview = _timed(fleet, "preview", "--expect-no-changes", *chosen, *pack)
            state = json.loads(fleet.engine(REPOSITORY, "stack", "export", "--stack", "dev").stdout)
            return Figures(
                nodes=size,
                resources=len(state["deployment"]["resources"]),
                up=up,
                preview=preview,
                megabytes=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
            )
        finally:
            fleet.lab("down")


def more_nodes(size: int) -> list[nodes.Node]:
    """The nodes beside the lab's own that make a fleet of `size`."""
    return [
        nodes.Node(name=f"node-{number:03}", address=_address(number), labels={})
        for number in range(size - len(nodes.FLEET))
    ]


def results() -> Results:
    """A row a size."""
    lines = [
        "| nodes | Pulumi resources | `up` s | no-op preview s | largest process MB |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for size in SIZES:
        print(f"bench: a fleet of {size}", flush=True)
        each = measure(size)
        lines.append(
            f"| {each.nodes} | {each.resources} | {each.up:.1f} | {each.preview:.1f} "
            f"| {each.megabytes:.0f} |"
        )
    return Results(table="\n".join(lines))


def _settings(fleet: Fleet, more: list[nodes.Node]) -> Path:
    path = fleet.home.path / "project" / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text())
    listed = document["config"]["oceanid-cluster:nodes"]
    listed += [{"name": node.name, "address": node.address} for node in more]
    target = fleet.home.path / "Pulumi.dev.yaml"
    target.write_text(yaml.safe_dump(document))
    return target


def _timed(fleet: Fleet, *arguments: str) -> float:
    began = time.monotonic()
    result = fleet.engine(REPOSITORY, *arguments)
    took = time.monotonic() - began
    _require(result.returncode == 0, said(result))
    return took


def _address(number: int) -> str:
    return f"203.0.{113 + number // 250}.{number % 250 + 1}"


def _require(condition: bool, what: str) -> None:  # noqa: FBT001
    if not condition:
        raise RuntimeError(f"bench: this failed: {what}")
