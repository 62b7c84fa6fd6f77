"""How far the rules agree with the API server's own Pod Security, in every kind of workload."""

from collections import Counter

import httpx

from policies.rules.namespace_rules import LEVELS
from workshop.bench.fleet_size import bench_lab
from workshop.bench.goal import Goal, Results, table
from workshop.testing.agreement import (
    VERSIONS,
    fixtures,
    found_by_scanner,
    hardened,
    posted,
    warned_by_pod_security,
    warning_namespace,
)

_LEVELS = ("baseline", "restricted")
_ONLY = ("only Pod Security", "only the rules")


def results() -> Results:
    """A row a level and kind: all fixtures that the API server takes, as they are and hardened."""
    rows = []
    print("bench: Pod Security", flush=True)
    missed = 0
    with bench_lab() as fleet, fleet.api() as api:
        for level in _LEVELS:
            counted = _counted(api, level)
            for kind in VERSIONS:
                cells = [counted[kind, ours, theirs] for ours, theirs in _ANSWERS]
                missed += counted[kind, *_MISSED]
                rows.append([level, kind, sum(cells), *cells])
    goal = Goal(name="only Pod Security refuses", found=missed, limit=0, unit=" objects")
    head = ("level", "kind", "objects", "both refuse", "both pass", *_ONLY)
    return Results(table=table(head, rows, words=2), goals=(goal,))


# Whether the rules refuse, and whether Pod Security does, in the order of the columns.
_MISSED = (False, True)
_ANSWERS = ((True, True), (False, False), _MISSED, (True, False))


def _counted(api: httpx.Client, level: str) -> Counter[tuple[str, bool, bool]]:
    counted: Counter[tuple[str, bool, bool]] = Counter()
    with warning_namespace(api, level) as namespace:
        for body in (each for one in fixtures() for each in (one, hardened(one))):
            answer = posted(api, body, namespace)
            if answer.status_code == httpx.codes.CREATED:
                ours = bool(found_by_scanner(body) & LEVELS[level].keys())
                counted[body["kind"], ours, warned_by_pod_security(answer)] += 1
    return counted
