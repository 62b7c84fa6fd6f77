"""Seconds and requests of the CrunchyBridge provider under the real engine, by number of rules."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from workshop.bench.goal import Results, table
from workshop.testing.provider_engine import Stack
from workshop.testing.provider_stand_in import start_stand_in

SIZES = (1, 100, 500)
_COLUMNS = ("rules", "`up`", "no-op `up`", "`refresh`", "`destroy`")


def results() -> Results:
    """A row a size: each cell is seconds and the number of requests to the stand-in."""
    rows = []
    for size in SIZES:
        print(f"bench: {size} firewall rules", flush=True)
        rows.append([size, *_measured(size)])
    return Results(table=table(_COLUMNS, rows, words=0))


def _measured(size: int) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="oceanid-bench-") as folder:
        stand_in = start_stand_in(Path(folder))
        try:
            stack = Stack(Path(folder), stand_in)
            stack.set({f"rule-{n}": {"rule": f"198.18.{n // 250}.{n % 250}"} for n in range(size)})

            def cell(action: Callable[[], object]) -> str:
                stand_in.forget_requests()
                began = time.monotonic()
                action()
                took = time.monotonic() - began
                return f"{took:.1f} s, {len(stand_in.requests())}"

            return [
                cell(stack.up),
                cell(stack.up),
                cell(lambda: stack.run("refresh", "--yes")),
                cell(lambda: stack.run("destroy", "--yes", "--skip-preview")),
            ]
        finally:
            stand_in.stop()
