"""When the preferred exit node goes: how long new connections fail, how soon open sessions end.

With real processes.

Every run is watched on the wire: with two exit nodes, nothing but theirs may reach a site.
"""

import tempfile
import time
from functools import partial
from pathlib import Path

from workshop.bench.goal import Goal, NotMeasuredError, Results, table
from workshop.bench.quantile import quantile
from workshop.lab.network.plan import CALYPSO, STYX, TETHYS
from workshop.lab.node.requirement import missing
from workshop.testing.network.load import Load, under_load
from workshop.testing.network.open_sessions import all_through, seconds_to_end
from workshop.testing.nodes.clients import client_on
from workshop.testing.nodes.faults import FAULTS, Fault
from workshop.testing.nodes.fleet import Fleet, fleet
from workshop.testing.nodes.leaks import LeakWatch
from workshop.testing.waiting import until

_RUNS = 20
_COLUMNS = (
    "the preferred exit node",
    "runs",
    "to the other p50 s",
    "p99 s",
    "back p50 s",
    "p99 s",
    "sessions end p50 s",
    "p99 s",
    "packets to a site",
    "leaked",
)
_GOAL_SECONDS = 5.0
_SESSIONS_GOAL_SECONDS, _SESSIONS_LIMIT_SECONDS = 10.0, 60.0


def results(runs: int = _RUNS) -> Results:
    """A row a fault: seconds until a new connection is answered by the other, and back, and until
    each open session has ended.
    """
    reason = missing()
    if reason is not None:
        raise NotMeasuredError(reason)
    rows = []
    goals = []
    print(
        f"bench: failover: the preferred exit node is {', '.join(FAULTS)}, {runs} times each: "
        "about 10 s a time",
        flush=True,
    )
    with (
        tempfile.TemporaryDirectory(prefix="oceanid-bench-") as folder,
        fleet(Path(folder) / "fleet", exit_nodes=(TETHYS, STYX)) as made,
    ):
        made.start_gateways()
        made.until_gateways()
        for name, fault in FAULTS.items():
            times = []
            passed = leaked = 0
            for number in range(runs):
                print(f"bench: failover, {name}, run {number + 1} of {runs}", flush=True)
                # A watch a run: the exit node's pod has another address after each.
                watch = LeakWatch.over(made)
                times.append(_once(made, fault))
                passed += sum(watch.wire.from_outside().values())
                leaked += sum(watch.leaked().values())
            away, back, ends = zip(*times, strict=True)
            ended = [seconds for run in ends for seconds in run]
            cells = [
                f"{quantile(each, part):.1f}"
                for each in (away, back, ended)
                for part in (0.5, 0.99)
            ]
            rows.append([name, runs, *cells, passed, leaked])
            goals += [
                Goal(
                    name=f"{name}: to the other exit node, p99",
                    found=quantile(away, 0.99),
                    limit=_GOAL_SECONDS,
                    unit=" s",
                ),
                Goal(
                    name=f"{name}: open sessions end, p99",
                    found=quantile(ended, 0.99),
                    limit=_SESSIONS_GOAL_SECONDS,
                    unit=" s",
                ),
                Goal(name=f"{name}: leaked", found=leaked, limit=0, unit=" packets"),
            ]
    return Results(table=table(_COLUMNS, rows), goals=tuple(goals))


def _once(made: Fleet, fault: Fault) -> tuple[float, float, list[float]]:
    """Seconds from the fault, and from its mending, to the end of the first connection begun since
    then that is answered by the way that is then right; and from the fault to the end of each
    session that was open, by each way idle and with a query under way.

    A connection that is begun while nobody knows of the fault yet may hang: each is given up after
    a second, and there are always four on their way. A session that does not end counts as a
    minute.
    """
    client = client_on(made, CALYPSO.name)
    with under_load(partial(client.address_by_http_proxy, seconds=1.0), clients=4) as load:
        _answered(load, str(TETHYS.outside), time.monotonic())
        with all_through(client, str(TETHYS.outside)) as sessions:
            began = time.monotonic()
            mend = fault(made, TETHYS.name)
            ends = seconds_to_end(sessions, began, _SESSIONS_LIMIT_SECONDS)
        away = _answered(load, str(STYX.outside), began)
        mended = time.monotonic()
        mend()
        back = _answered(load, str(TETHYS.outside), mended)
    return away, back, [seconds or _SESSIONS_LIMIT_SECONDS for seconds in ends.values()]


def _answered(load: Load, address: str, moment: float) -> float:
    until(lambda: load.first_through(address, moment) is not None, "an answer", seconds=60)
    first = load.first_through(address, moment)
    assert first is not None  # noqa: S101  awaited
    return first.ended - moment
