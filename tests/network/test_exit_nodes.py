"""Two exit nodes share the work by preference, and each keeps its identity over restarts."""

import time

import pytest

from tests.fleet_fixture import fleet_fixture
from workshop.lab.network.plan import CALYPSO, STYX, TETHYS
from workshop.testing.network import rendered
from workshop.testing.network.load import under_load
from workshop.testing.nodes.clients import client_on
from workshop.testing.nodes.faults import FAULTS, Fault
from workshop.testing.nodes.fleet import Fleet
from workshop.testing.nodes.leaks import nothing_leaks
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_PREFERRED, _OTHER = str(TETHYS.outside), str(STYX.outside)
# The promise is 5 s; the time goes into the figures of `make bench`, which no other work disturbs.
_SECONDS = 20.0


running = fleet_fixture(exit_nodes=(TETHYS, STYX))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("way", ["address_by_http_proxy", "address_by_database"])
def test_new_connections_go_through_the_other_one_and_come_back(
    running: Fleet, fault: Fault, way: str
) -> None:
    client = client_on(running, CALYPSO.name)
    with nothing_leaks(running), under_load(getattr(client, way)) as load:
        until(lambda: load.first_through(_PREFERRED, 0) is not None, "traffic by the preferred one")
        began = time.monotonic()
        mend = fault(running, TETHYS.name)
        try:
            until(
                lambda: load.first_through(_OTHER, began) is not None,
                "traffic by the other exit node",
                seconds=_SECONDS,
            )
        finally:
            mend()
        mended = time.monotonic()
        until(lambda: load.first_through(_PREFERRED, mended) is not None, "traffic has come back")


def test_a_restarted_exit_node_has_its_address_and_its_approval(running: Fleet) -> None:
    hostname = rendered.exit_hostname(TETHYS.name)
    before = running.device(hostname)
    client = client_on(running, CALYPSO.name)
    with nothing_leaks(running), under_load(client.address_by_database) as load:
        running.end_pod(running.exit_node(TETHYS.name), seconds=0)
        pod = running.until_exit_node(TETHYS.name)
        back = time.monotonic()
        until(lambda: load.first_through(_PREFERRED, back) is not None, "traffic has come back")
    after = running.device(hostname)
    assert before is not None
    assert after is not None
    for same in ("nodeId", "addresses", "enabledRoutes"):
        assert after[same] == before[same]
    command = ["tailscale", "--socket=/tmp/tailscaled.sock", "ip", "-4"]
    address = pod.container("tailscale").execute(command)
    assert address is not None
    assert address.strip() == before["addresses"][0]
