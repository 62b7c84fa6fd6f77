"""A lab that is down keeps what an update would see: tailnet addresses, approvals, joined nodes."""

import stat

import pytest

from tests.fleet_fixture import fleet_fixture
from workshop.lab.network.plan import CALYPSO, STYX, TETHYS, TRITON
from workshop.testing.network.rendered import exit_hostname
from workshop.testing.nodes.clients import client_on
from workshop.testing.nodes.fleet import Fleet
from workshop.testing.nodes.leaks import nothing_leaks
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_KEPT = ("nodeId", "addresses", "tags", "authorized", "enabledRoutes")


# Two exit nodes, so that neither gets its address again by being the first to log in.
running = fleet_fixture(exit_nodes=(STYX, TETHYS))


def test_a_node_that_joins_has_a_gateway_with_no_command(running: Fleet) -> None:
    with nothing_leaks(running):
        running.join(TRITON.name)
        running.until_gateways(TRITON.name)
        assert client_on(running, TRITON.name).address_by_database() == str(STYX.outside)


def test_after_down_and_up_the_exit_nodes_are_the_same_and_carry_traffic(running: Fleet) -> None:
    before = _exit_nodes(running)
    running.down_and_up()
    with nothing_leaks(running):
        for node in (CALYPSO.name, TRITON.name):
            client = client_on(running, node)
            until(client.is_steady, f"traffic from {node}", seconds=60)
            assert client.seen_address() == str(STYX.outside)
    assert _exit_nodes(running) == before


def _exit_nodes(running: Fleet) -> list[dict[str, object]]:
    """What an update would see of the exit nodes."""
    devices = [running.device(exit_hostname(plan.name)) for plan in running.exit_plans]
    return [{key: device[key] for key in _KEPT} for device in devices if device is not None]


def test_only_its_owner_reads_what_the_tailnet_keeps(running: Fleet) -> None:
    kept = running.home.path / "tailnet.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
