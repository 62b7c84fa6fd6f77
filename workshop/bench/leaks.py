"""What leaves past the exit node while it cannot be used: with the stack's policies, and without.

A fleet with one exit node, and traffic for the whole time on one node by three ways: by the
gateways' Service, to the gateway's pod ready or not, and to the pod's tailscaled past Envoy.
"""

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from workshop.bench.goal import Goal, NotMeasuredError, Results, table
from workshop.lab.network.plan import STYX, TETHYS
from workshop.lab.node.requirement import missing
from workshop.testing.network.load import Load, under_load
from workshop.testing.nodes.clients import client_inside, client_on
from workshop.testing.nodes.faults import FAULTS, Fault, unapproved, unknown
from workshop.testing.nodes.fleet import Fleet, fleet
from workshop.testing.nodes.leaks import LeakWatch
from workshop.testing.waiting import until

_RUNS, _RUNS_WITHOUT_POLICIES = 20, 2
_WATCHED_SECONDS = 3.0
_COLUMNS = ("the exit node", "policies", "runs", "connections", "packets tried", "leaked")
_FAULTS: dict[str, Fault] = {**FAULTS, "not approved": unapproved, "not known": unknown}


def results(runs: int = _RUNS) -> Results:
    """A row a fault, with the policies and without; nothing may leak with them.

    Without them something must: else a leak would not be seen here.
    """
    reason = missing()
    if reason is not None:
        raise NotMeasuredError(reason)
    rows = []
    leaked_in_all = {True: 0, False: 0}
    with (
        tempfile.TemporaryDirectory(prefix="oceanid-bench-") as folder,
        fleet(Path(folder) / "fleet") as made,
    ):
        made.start_gateways()
        made.until_gateways()
        for policies, times in ((True, runs), (False, _RUNS_WITHOUT_POLICIES)):
            made.enforce(policies=policies)
            for name, fault in _FAULTS.items():
                counts = []
                for number in range(times):
                    print(f"bench: leaks, {name}, run {number + 1} of {times}", flush=True)
                    counts.append(_once(made, fault))
                connections, tried, leaked = map(sum, zip(*counts, strict=True))
                word = "yes" if policies else "removed"
                rows.append([name, word, times, connections, tried, leaked])
                leaked_in_all[policies] += leaked
    goals = (
        Goal(name="leaked with the policies", found=leaked_in_all[True], limit=0, unit=" packets"),
        Goal(
            name="leaked without them",
            found=leaked_in_all[False],
            limit=1,
            unit=" packets",
            at_least=True,
        ),
    )
    return Results(table=table(_COLUMNS, rows, words=2), goals=goals)


def _once(made: Fleet, fault: Fault) -> tuple[int, int, int]:
    """A run's connections, packets to a site that pods sent themselves, and leaked ones."""
    with ExitStack() as stack:
        served = stack.enter_context(under_load(client_on(made, STYX.name).address_by_http_proxy))
        _until_served(served)
        watch = LeakWatch.over(made)
        mend = fault(made, TETHYS.name)
        try:
            until(served.is_refused, "traffic has stopped")
            past_service = client_on(made, STYX.name, past_service=True)
            ways = (
                past_service.address_by_http_proxy,
                client_inside(made, STYX.name).address_by_socks5,
            )
            others = [stack.enter_context(under_load(ask)) for ask in ways]
            time.sleep(_WATCHED_SECONDS)
        finally:
            mend()
        _until_served(served)
        connections = sum(len(each.attempts) for each in (served, *others))
        return connections, watch.tried(), sum(watch.leaked().values())


def _until_served(load: Load) -> None:
    moment, address = time.monotonic(), str(TETHYS.outside)
    until(lambda: load.first_through(address, moment) is not None, "traffic by the exit node")
