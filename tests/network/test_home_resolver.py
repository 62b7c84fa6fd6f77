"""An exit node at home asks its router for names: a private address, with the policies enforced."""

from collections.abc import Iterator

import pytest

from workshop.lab.network.plan import CALYPSO, TETHYS
from workshop.testing.nodes.clients import client_on
from workshop.testing.nodes.fleet import Fleet, fleet

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    # Its exit node must be ready, and so logged in, before this goes on.
    with fleet(folder, exit_nodes=(CALYPSO,)) as made:
        yield made


def test_it_logs_in_by_the_name_that_its_router_resolves(running: Fleet) -> None:
    assert str(CALYPSO.resolver) == "192.168.2.1"
    assert running.exit_node(CALYPSO.name).is_ready
    assert running.tailnet_address(CALYPSO.name).startswith("100.")


def test_it_finds_the_destinations_of_its_gateways_by_the_same_router(running: Fleet) -> None:
    running.start_gateways()
    running.until_gateways(TETHYS.name)
    client = client_on(running, TETHYS.name)
    assert client.address_by_http_proxy() == str(CALYPSO.outside)
