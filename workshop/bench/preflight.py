"""Seconds of the preflight by the size of the fleet, on one lab that grows."""

import json
import os
import sys
import time

import yaml

from operations.delivery import shell
from workshop.bench.fleet_size import SIZES, bench_lab, grow
from workshop.bench.goal import Goal, Results, table
from workshop.testing.checkout import REPOSITORY, completed, said
from workshop.testing.lab_fleet import Fleet

_RUNS = 5
_GOAL_NODES, _GOAL_SECONDS = 300, 5.0


def results() -> Results:
    """A row a size: the median and the longest of five runs."""
    rows = []
    longest = {}
    with bench_lab() as fleet:
        for size in SIZES:
            print(f"bench: the preflight of {size} nodes", flush=True)
            runs = sorted(_run(fleet, size) for _ in range(_RUNS))
            longest[size] = runs[-1]
            rows.append([size, f"{runs[_RUNS // 2]:.1f}", f"{longest[size]:.1f}"])
    goal = Goal(
        name=f"{_GOAL_NODES} nodes, the longest of {_RUNS} runs",
        found=longest[_GOAL_NODES],
        limit=_GOAL_SECONDS,
        unit=" s",
    )
    columns = ("nodes", "preflight s", "longest s")
    return Results(table=table(columns, rows, words=0), goals=(goal,))


def _run(fleet: Fleet, size: int) -> float:
    more = grow(fleet, size)
    document = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    settings = {key.partition(":")[2]: value for key, value in document.items()}
    settings["nodes"] += more
    began = time.monotonic()
    result = completed(
        *(sys.executable, "-m", "operations.preflight", "--json", "--settings", "-"),
        environment={**shell.passed_on(os.environ), **fleet.variables},
        given=json.dumps(settings),
    )
    took = time.monotonic() - began
    # Any but a fleet that is seen whole and Ready would measure something else.
    found = json.loads(result.stdout or "{}").get("results", [])
    seen = [f"{each['check']} {each['where']}" for each in found if each["verdict"] == "ok"]
    if not {f"nodes {size} nodes", f"kubelet-leases {size} kubelets"} <= set(seen):
        raise RuntimeError(said(result))
    return took
