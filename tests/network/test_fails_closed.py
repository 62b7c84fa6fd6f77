"""Where there is no exit node, traffic stops: nothing leaves by a node's own address, ever."""

import time
from collections.abc import Iterator

import pytest

from workshop.lab.network.plan import CALYPSO, STYX, TETHYS
from workshop.testing.network.load import Load, under_load
from workshop.testing.network.traffic import Client
from workshop.testing.nodes.clients import client_inside, client_on
from workshop.testing.nodes.faults import NOBODY, Fault, cut_off, killed, logged_in
from workshop.testing.nodes.fleet import Fleet, fleet
from workshop.testing.nodes.leaks import LeakWatch, nothing_leaks
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_EXIT_ADDRESS = str(TETHYS.outside)
_WATCHED_SECONDS = 3.0


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
    """The fleet of this module, whose exit node nobody has approved at first."""
    with fleet(tmp_path_factory.mktemp("fleet"), approved=False) as made:
        made.start_gateways()
        yield made


def test_an_exit_node_that_is_not_approved_carries_nothing_and_leaks_nothing(
    unapproved: Fleet,
) -> None:
    with nothing_leaks(unapproved) as wire:
        until(
            lambda: logged_in(unapproved, STYX.name, TETHYS.name), "the gateway's tailscaled runs"
        )
        # Past the Service, since the gateway is not ready: it is its policy that is tested.
        with under_load(client_on(unapproved, STYX.name, past_service=True).address_by_socks5) as a:
            _watched(a)
        gateway = unapproved.gateway(STYX.name)
        assert wire.tried_by_pods().get(gateway.address, 0) > 0
        assert not gateway.is_ready


def test_without_policies_readiness_alone_keeps_traffic_from_it(unapproved: Fleet) -> None:
    unapproved.enforce(policies=False)
    try:
        with (
            nothing_leaks(unapproved),
            under_load(client_on(unapproved, STYX.name).address_by_socks5) as load,
        ):
            _watched(load)
    finally:
        unapproved.enforce(policies=True)


def test_without_policies_and_past_readiness_it_would_leak(unapproved: Fleet) -> None:
    """Tailscale's own behaviour, and the proof that a leak would be seen here."""
    unapproved.enforce(policies=False)
    try:
        watch = LeakWatch.over(unapproved)
        client = client_on(unapproved, STYX.name, past_service=True)
        assert client.address_by_socks5() == str(STYX.outside)
        gateway = unapproved.gateway(STYX.name).address
        assert set(watch.leaked()) == {STYX.outside, gateway}
    finally:
        unapproved.enforce(policies=True)


def test_once_it_is_approved_traffic_starts_by_itself_and_ends_when_that_is_taken_back(
    unapproved: Fleet,
) -> None:
    with (
        nothing_leaks(unapproved),
        under_load(client_on(unapproved, STYX.name, past_service=True).address_by_socks5) as load,
    ):
        unapproved.approve(TETHYS.name)
        _traffic_is_back(load)
        unapproved.approve(TETHYS.name, [])
        until(load.is_refused, "traffic has stopped")
        _watched(load)
        unapproved.approve(TETHYS.name)
        _traffic_is_back(load)


@pytest.fixture(scope="module", params=[True, False], ids=["with-policies", "without-policies"])
def running(request: pytest.FixtureRequest, unapproved: Fleet) -> Iterator[Fleet]:
    """The same fleet once it is well."""
    unapproved.approve(TETHYS.name)
    unapproved.until_gateways()
    unapproved.enforce(policies=request.param)
    yield unapproved
    unapproved.enforce(policies=True)


@pytest.mark.parametrize("fault", [killed, cut_off])
def test_nothing_leaks_while_there_is_no_exit_node(running: Fleet, fault: Fault) -> None:
    with (
        nothing_leaks(running),
        under_load(client_on(running, STYX.name).address_by_http_proxy) as load,
        under_load(client_on(running, CALYPSO.name).address_by_database) as other,
    ):
        _traffic_is_back(load)
        mend = fault(running, TETHYS.name)
        try:
            until(load.is_refused, "traffic has stopped")
            # What is on its way may still come back to a client.
            time.sleep(_WATCHED_SECONDS)
            _watched(load)
        finally:
            mend()
        _traffic_is_back(load)
        _traffic_is_back(other)


def test_an_exit_node_that_nobody_knows_carries_nothing_and_leaks_nothing(running: Fleet) -> None:
    running.start_gateways(tethys=NOBODY)
    running.restart_gateway(CALYPSO.name)
    with nothing_leaks(running) as wire:
        until(
            lambda: logged_in(running, CALYPSO.name, TETHYS.name), "the gateway's tailscaled runs"
        )
        past_service = client_on(running, CALYPSO.name, past_service=True)
        # Envoy takes connections and knows of no exit node that is well.
        until(lambda: "503" in _refusal(past_service), "Envoy refuses")
        with under_load(past_service.address_by_database) as load:
            _watched(load)
        assert not running.gateway(CALYPSO.name).is_ready
        if running.enforcing:
            # Past Envoy too, where tailscaled dials by itself: it is its policy that is tested.
            with under_load(client_inside(running, CALYPSO.name).address_by_socks5) as load:
                _watched(load)
            assert wire.tried_by_pods().get(running.gateway(CALYPSO.name).address, 0) > 0
        running.start_gateways()
        with under_load(client_on(running, CALYPSO.name).address_by_http_proxy) as load:
            running.restart_gateway(CALYPSO.name)
            _traffic_is_back(load)


def _refusal(client: Client) -> str:
    """What a client is told that gets nowhere; empty for one that does."""
    try:
        client.address_by_http_proxy()
    except OSError as error:
        return str(error)
    return ""
