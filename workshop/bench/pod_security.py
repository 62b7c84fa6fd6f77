"""How far the rules agree with the API server's own Pod Security, in every kind of workload."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import httpx

from bench.goal import Goal, Results
from policies.rules.namespace_rules import LEVELS
from tests.e2e.agreement import (
    VERSIONS,
    fixtures,
    found_by_scanner,
    hardened,
    posted,
    warned_by_pod_security,
    warning_namespace,
)
from tests.e2e.fleet import running_lab

_LEVELS = ("baseline", "restricted")


def results() -> Results:
    """A row a level and kind: all fixtures that the API server takes, as they are and hardened."""
    lines = [
        "| level | kind | objects | both refuse | both pass | only Pod Security | only the rules |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    print("bench: Pod Security", flush=True)
    missed = 0
    with (
        tempfile.TemporaryDirectory(prefix="oceanid-bench-") as folder,
        running_lab(Path(folder)) as fleet,
        fleet.api() as api,
    ):
        for level in _LEVELS:
            counted = _counted(api, level)
            for kind in VERSIONS:
                cells = [counted[kind, ours, theirs] for ours, theirs in _ANSWERS]
                missed += counted[kind, *_MISSED]
                row = " | ".join(str(each) for each in (sum(cells), *cells))
                lines.append(f"| {level} | {kind} | {row} |")
    goal = Goal(name="only Pod Security refuses", found=missed, limit=0, unit=" objects")
    return Results(table="\n".join(lines), goals=(goal,))


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
