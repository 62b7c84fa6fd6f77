"""Open connections and a gateway that is replaced."""

import threading

import pytest

from tests.fleet_fixture import fleet_fixture
from workshop.lab.network.plan import CALYPSO, STYX, TETHYS
from workshop.testing.network.traffic import DATABASE_PORT, Session
from workshop.testing.nodes.clients import client_on
from workshop.testing.nodes.fleet import Fleet
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_EXIT_ADDRESS = str(TETHYS.outside)
# One a second, well within the 30 s that a draining gateway leaves.
_QUESTIONS = 20


running = fleet_fixture()


def test_open_connections_live_through_an_idle_time_and_through_a_roll_out(running: Fleet) -> None:
    elsewhere, here = client_on(running, CALYPSO.name), client_on(running, STYX.name)
    leaving = running.gateway(STYX.name)
    with (
        elsewhere.connect(DATABASE_PORT) as idle_raw,
        Session.open(idle_raw, elsewhere.tls) as idle,
        here.connect(DATABASE_PORT) as busy_raw,
        Session.open(busy_raw, here.tls) as busy,
    ):
        ending = threading.Thread(target=running.end_pod, args=(leaving,))
        ending.start()
        # While it drains, open connections live and new ones are taken: there is no other gateway.
        answers = 0
        while ending.is_alive() and answers < _QUESTIONS:
            assert busy.client_address() == _EXIT_ADDRESS
            assert here.address_by_database() == _EXIT_ADDRESS
            answers += 1
            ending.join(1.0)
        assert answers == _QUESTIONS
        ending.join()
        running.until_gateways(STYX.name)
        until(lambda: here.seen_address() == _EXIT_ADDRESS, "traffic by the new gateway")
        # All that time not a byte was sent on this one.
        assert idle.client_address() == _EXIT_ADDRESS
