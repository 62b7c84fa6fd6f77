"""Seconds of the preflight by the size of the fleet, on one lab that grows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from bench.fleet_size import SECONDS_FOR_NODES, SIZES, more_nodes
from bench.goal import Goal, Results
from delivery import shell
from lab import nodes
from lab.home import Home
from tests.delivery.checkout import REPOSITORY, said
from tests.e2e.fleet import Fleet

_RUNS = 5
_GOAL_NODES, _GOAL_SECONDS = 300, 5.0


def results() -> Results:
    """A row a size: the median and the longest of five runs."""
    lines = ["| nodes | preflight s | longest s |", "| ---: | ---: | ---: |"]
    longest = {}
    with tempfile.TemporaryDirectory(prefix="oceanid-bench-") as folder:
        fleet = Fleet(home=Home(path=Path(folder)))
        try:
            up = fleet.lab("up")
            if up.returncode != 0:
                raise RuntimeError(said(up))
            for size in SIZES:
                print(f"bench: the preflight of {size} nodes", flush=True)
                runs = sorted(_run(fleet, size) for _ in range(_RUNS))
                longest[size] = runs[-1]
                lines.append(f"| {size} | {runs[_RUNS // 2]:.1f} | {longest[size]:.1f} |")
        finally:
            fleet.lab("down")
    goal = Goal(
        name=f"{_GOAL_NODES} nodes, the longest of {_RUNS} runs",
        found=longest[_GOAL_NODES],
        limit=_GOAL_SECONDS,
        unit=" s",
    )
    return Results(table="\n".join(lines), goals=(goal,))


def _run(fleet: Fleet, size: int) -> float:
    more = more_nodes(size)
    with fleet.api() as api:
        nodes.register(api, tuple(more))
        nodes.wait_until_ready(api, (*nodes.FLEET, *more), seconds=SECONDS_FOR_NODES)
    document = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    settings = {key.partition(":")[2]: value for key, value in document.items()}
    settings["nodes"] += [{"name": node.name, "address": node.address} for node in more]
    lines = fleet.home.environment.read_text().splitlines()
    own = {key: value for key, _, value in (line.partition("=") for line in lines)}
    began = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-m", "preflight", "--json", "--settings", "-"],
        cwd=REPOSITORY,
        env={**shell.passed_on(os.environ), **own},
        input=json.dumps(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.monotonic() - began
    # Any but a fleet that is seen whole and Ready would measure something else.
    found = json.loads(result.stdout or "{}").get("results", [])
    seen = [f"{each['check']} {each['where']}" for each in found if each["verdict"] == "ok"]
    if not {f"nodes {size} nodes", f"heartbeats {size} kubelets"} <= set(seen):
        raise RuntimeError(said(result))
    return took
