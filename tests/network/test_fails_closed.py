"""Where there is no exit node, traffic stops: nothing leaves by a node's own address, ever."""

import time
from collections.abc import Iterator

import pytest

from workshop.lab.network.plan import CALYPSO, STYX, TETHYS
from workshop.testing.network.fleet import Fleet, fleet
from workshop.testing.network.leaks import LeakWatch, nothing_leaks
from workshop.testing.network.load import Load, under_load
from workshop.testing.network.traffic import Client
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_EXIT_ADDRESS = str(TETHYS.outside)
_WATCHED_SECONDS = 3.0
_NOBODY = "100.64.99.99"


def _watched(load: Load) -> None:
    """Let the load go on for a while, in which nobody gets through."""
    began = time.monotonic()
    time.sleep(_WATCHED_SECONDS)
    # One that hangs is no success either: it may still be on its way.
    assert [each for each in load.since(began) if each.address is not None] == []


def _traffic_is_back(load: Load) -> None:
    moment = time.monotonic()
    until(lambda: load.first_through(_EXIT_ADDRESS, moment) is not None, "traffic is back")


@pytest.fixture(scope="module")
def unapproved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet(tmp_path_factory.mktemp("unapproved"), approved=False) as made:
        yield made


def test_an_exit_node_that_is_not_approved_carries_nothing_and_leaks_nothing(
    unapproved: Fleet,
) -> None:
    with nothing_leaks(unapproved) as wire:
        unapproved.start_gateway(STYX.name)
        gateway = unapproved.gateways[STYX.name]
        until(lambda: _logged_in(unapproved, STYX.name), "the gateway's tailscaled runs")
        # Past the Service, since the gateway is not ready: it is its policy that is tested.
        with under_load(Client.on(unapproved, STYX.name, past_service=True).address_by_socks5) as a:
            _watched(a)
        assert wire.tried_by_pods().get(gateway.sandbox.address, 0) > 0
        assert not unapproved.cluster.is_ready(gateway)


def test_without_policies_readiness_alone_keeps_traffic_from_it(unapproved: Fleet) -> None:
    unapproved.cluster.enforce(policies=False)
    try:
        with (
            nothing_leaks(unapproved),
            under_load(Client.on(unapproved, STYX.name).address_by_socks5) as load,
        ):
            _watched(load)
    finally:
        unapproved.cluster.enforce(policies=True)


def test_without_policies_and_past_readiness_it_would_leak(unapproved: Fleet) -> None:
    """Tailscale's own behaviour, and the proof that a leak would be seen here."""
    unapproved.cluster.enforce(policies=False)
    try:
        watch = LeakWatch.over(unapproved)
        client = Client.on(unapproved, STYX.name, past_service=True)
        assert client.address_by_socks5() == str(STYX.outside)
        gateway = unapproved.gateways[STYX.name].sandbox.address
        assert set(watch.leaked()) == {STYX.outside, gateway}
    finally:
        unapproved.cluster.enforce(policies=True)


def test_once_it_is_approved_traffic_starts_by_itself_and_ends_when_that_is_taken_back(
    unapproved: Fleet,
) -> None:
    with (
        nothing_leaks(unapproved),
        under_load(Client.on(unapproved, STYX.name, past_service=True).address_by_socks5) as load,
    ):
        unapproved.approve(TETHYS.name)
        _traffic_is_back(load)
        unapproved.approve(TETHYS.name, [])
        until(load.is_refused, "traffic has stopped")
        _watched(load)
        unapproved.approve(TETHYS.name)
        _traffic_is_back(load)


@pytest.fixture(scope="module", params=[True, False], ids=["with-policies", "without-policies"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    with fleet(tmp_path_factory.mktemp("fleet")) as made:
        made.cluster.enforce(policies=request.param)
        for node in (STYX.name, CALYPSO.name):
            made.start_gateway(node)
        made.until_ready()
        yield made


def test_nothing_leaks_while_the_exit_node_is_dead(running: Fleet) -> None:
    exit_node = running.exit_nodes[TETHYS.name].containers["tailscale"]
    with (
        nothing_leaks(running),
        under_load(Client.on(running, STYX.name).address_by_http_proxy) as load,
        under_load(Client.on(running, CALYPSO.name).address_by_database) as other,
    ):
        exit_node.crash()
        until(load.is_refused, "traffic has stopped")
        _watched(load)
        exit_node.start()
        _traffic_is_back(load)
        _traffic_is_back(other)


def test_nothing_leaks_while_its_node_is_cut_off(running: Fleet) -> None:
    node = running.topology.nodes[TETHYS.name]
    with (
        nothing_leaks(running),
        under_load(Client.on(running, STYX.name).address_by_http_proxy) as load,
        under_load(Client.on(running, CALYPSO.name).address_by_database) as other,
    ):
        node.cut_off()
        # What is on its way may still come back to a client.
        time.sleep(_WATCHED_SECONDS)
        _watched(load)
        node.plug_in()
        _traffic_is_back(load)
        _traffic_is_back(other)


def test_an_exit_node_that_nobody_knows_carries_nothing_and_leaks_nothing(running: Fleet) -> None:
    running.cluster.kill(running.gateways.pop(CALYPSO.name))
    running.render(tethys=_NOBODY)
    gateway = running.start_gateway(CALYPSO.name)
    past_service = Client.on(running, CALYPSO.name, past_service=True)
    with nothing_leaks(running) as wire:
        until(lambda: _logged_in(running, CALYPSO.name), "the gateway's tailscaled runs")
        # Envoy takes connections and knows of no exit node that is well.
        until(lambda: "503" in _refusal(past_service), "Envoy refuses")
        with under_load(past_service.address_by_database) as load:
            _watched(load)
        assert not running.cluster.is_ready(gateway)
        if running.cluster.enforcing:
            # Past Envoy too, where tailscaled dials by itself: it is its policy that is tested.
            with under_load(Client.inside(running, CALYPSO.name).address_by_socks5) as load:
                _watched(load)
            assert wire.tried_by_pods().get(gateway.sandbox.address, 0) > 0
        running.cluster.kill(gateway)
        running.render()
        with under_load(Client.on(running, CALYPSO.name).address_by_http_proxy) as load:
            running.start_gateway(CALYPSO.name)
            _traffic_is_back(load)


def _refusal(client: Client) -> str:
    """What a client is told that gets nowhere; empty for one that does."""
    try:
        client.address_by_http_proxy()
    except OSError as error:
        return str(error)
    return ""


def _logged_in(running: Fleet, node: str) -> bool:
    """Whether the gateway's tailscaled has its place in the tailnet."""
    container = running.gateways[node].containers[f"tailscale-{TETHYS.name}"]
    socket = f"--socket=/run/tailscale/{TETHYS.name}.sock"
    return container.execute(["tailscale", socket, "status", "--peers=false"]) is not None
