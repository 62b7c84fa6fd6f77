"""Open sessions end with their exit node; the database keeps none of a gateway that is gone."""

import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.fleet_fixture import fleet_fixture
from workshop.lab.network.plan import CALYPSO, STYX, TETHYS
from workshop.lab.node.pod import NodeContainer
from workshop.testing.network.open_sessions import (
    OpenSession,
    all_through,
    at_the_database,
    seconds_to_end,
)
from workshop.testing.nodes.clients import client_on
from workshop.testing.nodes.faults import FAULTS, Fault, frozen, restarted
from workshop.testing.nodes.fleet import Fleet
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_PREFERRED, _OTHER = str(TETHYS.outside), str(STYX.outside)
# Two failed checks take 3.5 s; the figures are make bench's, which no other work disturbs.
_SECONDS = 30.0
# The exit node's keepalive takes 75 s.
_DATABASE_SECONDS = 120.0


running = fleet_fixture(exit_nodes=(TETHYS, STYX))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_sessions_end_when_their_exit_node_fails(running: Fleet, fault: Fault) -> None:
    with all_through(client_on(running, CALYPSO.name), _PREFERRED) as sessions:
        began = time.monotonic()
        mend = fault(running, TETHYS.name)
        try:
            _all_ended(sessions, began)
        finally:
            mend()


def test_sessions_of_an_exit_node_that_restarts_end_at_their_next_use(running: Fleet) -> None:
    with all_through(client_on(running, CALYPSO.name), _PREFERRED) as sessions:
        restarted(running, TETHYS.name)
        # It may be back before two health checks have failed, which end sessions by themselves.
        assert {each.name for each in sessions if not each.ends_when_used(_SECONDS)} == set()


@pytest.mark.parametrize(
    "fault", [NodeContainer.kill, NodeContainer.freeze], ids=["killed", "frozen"]
)
def test_sessions_end_when_the_gateways_own_tailscaled_fails(
    running: Fleet, fault: Callable[[NodeContainer], None]
) -> None:
    container = running.gateway(CALYPSO.name).container(f"tailscale-{TETHYS.name}")
    with all_through(client_on(running, CALYPSO.name), _PREFERRED) as sessions:
        began = time.monotonic()
        fault(container)
        try:
            _all_ended(sessions, began)
        finally:
            # Whatever became of it, its kubelet starts it again.
            container.kill()
            running.until_gateways(CALYPSO.name)


def test_one_failed_check_ends_no_session(running: Fleet) -> None:
    with all_through(client_on(running, CALYPSO.name), _PREFERRED) as sessions:
        mend = frozen(running, TETHYS.name)
        # Less than the time limit of a check.
        time.sleep(0.8)
        mend()
        open_ones = seconds_to_end(sessions, time.monotonic(), 8.0)
        assert set(open_ones.values()) == {None}
        for each in sessions:
            each.session.connection.settimeout(_SECONDS)
            if not each.is_asked:
                assert each.answers() == _PREFERRED


def test_sessions_through_the_other_exit_node_live_on(running: Fleet) -> None:
    mend = frozen(running, TETHYS.name)
    try:
        with all_through(client_on(running, CALYPSO.name), _OTHER) as untouched:
            mend()
            with all_through(client_on(running, CALYPSO.name), _PREFERRED) as ended:
                began = time.monotonic()
                mend = frozen(running, TETHYS.name)
                _all_ended(ended, began)
            assert set(seconds_to_end(untouched, time.monotonic(), 3.0).values()) == {None}
            for each in untouched:
                each.session.connection.settimeout(_SECONDS)
                if not each.is_asked:
                    assert each.answers() == _OTHER
    finally:
        mend()


def test_the_database_is_left_no_connection_of_a_gateway_that_is_gone(running: Fleet) -> None:
    internet = running.topology.internet
    before = at_the_database(internet)
    with ExitStack() as stack:
        count = 0
        for node in (STYX.name, CALYPSO.name):
            count += len(stack.enter_context(all_through(client_on(running, node), _PREFERRED)))
        ours = at_the_database(internet) - before
        assert len(ours) == count
        killed = running.gateway(STYX.name).container(f"tailscale-{TETHYS.name}")
        there = running.topology.nodes[CALYPSO.name]
        began = time.monotonic()
        killed.kill()
        there.cut_off()
        try:
            until(
                lambda: not at_the_database(internet) & ours,
                "the database has no connection left",
                seconds=_DATABASE_SECONDS,
            )
        finally:
            print(f"the database: none left after {time.monotonic() - began:.1f} s")
            there.plug_in()


def _all_ended(sessions: list[OpenSession], since: float) -> None:
    ends = seconds_to_end(sessions, since, _SECONDS)
    print({name: seconds and round(seconds, 1) for name, seconds in ends.items()})
    assert None not in ends.values(), ends
