"""How long new connections fail when the preferred exit node goes, with real processes."""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path

from lab.network.plan import CALYPSO, STYX, TETHYS
from lab.network.requirement import missing
from tests.network.faults import FAULTS, Fault
from tests.network.fleet import Fleet, fleet
from tests.network.load import Load, under_load
from tests.network.traffic import Client
from tests.waiting import until

_RUNS = 20


def table() -> str:
    """Rows of Markdown: seconds until a new connection is answered, by the other and back."""
    reason = missing()
    if reason is not None:
        return f"not measured: {reason}"
    rows = [
        "| the preferred exit node | runs | to the other p50 s | p99 s | back p50 s | p99 s |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    with (
        tempfile.TemporaryDirectory(prefix="oceanid-bench-") as folder,
        fleet(Path(folder) / "fleet", exit_nodes=(TETHYS, STYX)) as made,
    ):
        made.start_gateway(CALYPSO.name)
        made.until_ready()
        for name, fault in FAULTS.items():
            measured = [_once(made, fault) for _ in range(_RUNS)]
            cells = [
                f"{_share(sorted(each), share):.1f}"
                for each in zip(*measured, strict=True)
                for share in (0.5, 0.99)
            ]
            rows.append(f"| {name} | {_RUNS} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _once(made: Fleet, fault: Fault) -> tuple[float, float]:
    """Seconds from the fault, and from its mending, to the end of the first connection begun since
    then that is answered by the way that is then right.

    A connection that is begun while nobody knows of the fault yet may hang: each is given up after
    a second, and there are always four on their way.
    """
    client = Client.on(made, CALYPSO.name)
    with under_load(partial(client.address_by_http_proxy, seconds=1.0), clients=4) as load:
        _answered(load, str(TETHYS.outside), time.monotonic())
        began = time.monotonic()
        mend = fault(made, TETHYS.name)
        away = _answered(load, str(STYX.outside), began)
        mended = time.monotonic()
        mend()
        back = _answered(load, str(TETHYS.outside), mended)
    return away, back


def _answered(load: Load, address: str, moment: float) -> float:
    until(lambda: load.first_through(address, moment) is not None, "an answer", seconds=60)
    first = load.first_through(address, moment)
    assert first is not None  # noqa: S101  awaited
    return first.ended - moment


def _share(ordered: list[float], share: float) -> float:
    """The value that so much of them do not pass: with 20 runs, p99 is the longest."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
