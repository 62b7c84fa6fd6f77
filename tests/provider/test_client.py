"""The client's patience: against the stand-in's application, with a clock that waiting moves."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from providers.crunchybridge.client import CrunchyBridgeClient
from providers.crunchybridge.errors import ApiError, GoneError
from providers.crunchybridge.listing import FRESH_SECONDS, Listing
from providers.crunchybridge.pace import Clock, Pace
from providers.plugin.errors import ProviderError
from tests.provider.world import World
from workshop.lab.crunchybridge_api.eid import new_eid
from workshop.lab.faults import Fault

NETWORK = new_eid()
BODY = {"rule": "192.0.2.7/32"}


def _client(wire: httpx.BaseTransport, key: str, clock: Clock) -> CrunchyBridgeClient:
    return CrunchyBridgeClient(api_key=key, url="http://127.0.0.1:1", clock=clock, transport=wire)


@pytest.fixture
def world() -> Iterator[World]:
    world = World(NETWORK)
    with closing(world.client):
        yield world


def _keys(world: World) -> list[str]:
    return [entry["Idempotency-Key"] for entry in world.journal.entries()]


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_that_is_cut_makes_one_rule(world: World, *, after: bool) -> None:
    world.faults.order(Fault("cut", count=2, after=after))
    made = world.client.create(NETWORK, BODY)
    assert [rule["id"] for rule in world.team.rules(NETWORK)] == [made.id]
    # The same attempt, so the same key: the API recognises what it has done already.
    assert len(_keys(world)) == 3
    assert len(set(_keys(world))) == 1


def test_every_logical_attempt_has_a_key_of_its_own(world: World) -> None:
    made = world.client.create(NETWORK, BODY)
    world.client.change(NETWORK, made.id, {"description": "a"})
    world.client.change(NETWORK, made.id, {"description": None})
    assert len(set(_keys(world))) == 3


def test_a_stored_internal_error_is_not_asked_for_twice(world: World) -> None:
    world.faults.order(Fault("status", after=True, status=500))
    with pytest.raises(ApiError, match="overlaps") as caught:
        world.client.create(NETWORK, BODY)
    assert caught.value.status == 400
    assert len(set(_keys(world))) == 2
    assert len(world.team.rules(NETWORK)) == 1


def test_the_wait_is_what_the_api_asks_for(world: World) -> None:
    world.faults.order(Fault("status", status=429, retry_after=7, count=3))
    world.client.create(NETWORK, BODY)
    assert world.time.waited == [7.0, 7.0, 7.0]


def test_the_wait_grows_when_the_api_does_not_say(world: World) -> None:
    world.faults.order(Fault("status", status=503, count=8))
    world.client.create(NETWORK, BODY)
    assert world.time.waited == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]


def test_a_date_to_wait_for_is_understood() -> None:
    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return False

    clock = Clock(now=lambda: 0.0, wait=wait)
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    response = httpx.Response(429, headers={"Retry-After": moment})
    assert Pace(clock).before_next(1, 0.0, response)
    assert 60 < waited[0] <= 90


def test_when_one_request_is_asked_to_wait_the_others_wait_too(world: World) -> None:
    pace = Pace(world.time.clock())
    refused = httpx.Response(429, headers={"Retry-After": "30"})
    held: list[float] = []

    def wait(seconds: float) -> bool:
        # While the first waits, a second one comes.
        if not held:
            held.append(seconds)
            pace.hold()
        else:
            held.append(seconds)
        return False

    pace.clock = Clock(now=lambda: 0.0, wait=wait)
    pace.before_next(1, 0.0, refused)
    assert held == [30.0, 30.0]


def test_a_storm_without_end_is_given_up_with_the_way_to_go_on(world: World) -> None:
    world.faults.order(Fault("status", status=429, retry_after=60, count=1000))
    with pytest.raises(ProviderError, match=r"429 .*; gave up after 6 attempts: run the command"):
        world.client.create(NETWORK, BODY)
    assert world.time.seconds == 300.0


def test_a_wait_longer_than_the_patience_is_given_up_at_once(world: World) -> None:
    world.faults.order(Fault("status", status=429, retry_after=3600))
    with pytest.raises(ProviderError, match="gave up after 1 attempts"):
        world.client.rules(NETWORK)
    assert world.time.waited == []


def test_what_the_api_refuses_is_not_asked_again(world: World) -> None:
    with pytest.raises(ApiError, match=r"400 rule: must be .* \(request id [a-z2-7]{26}\)"):
        world.client.create(NETWORK, {"rule": "reef"})
    assert len(world.journal.entries()) == 1


def test_a_deleted_rule_and_one_that_never_was_are_both_gone(world: World) -> None:
    made = world.client.create(NETWORK, BODY)
    world.client.delete(NETWORK, made.id)
    with pytest.raises(GoneError) as deleted:
        world.client.delete(NETWORK, made.id)
    with pytest.raises(GoneError) as unknown:
        world.client.rule(NETWORK, new_eid())
    assert (deleted.value.status, unknown.value.status) == (410, 404)


def test_a_delete_whose_answer_was_lost_is_done(world: World) -> None:
    made = world.client.create(NETWORK, BODY)
    world.faults.order(Fault("cut", after=True, method="DELETE"))
    with pytest.raises(GoneError):
        world.client.delete(NETWORK, made.id)
    assert world.team.rules(NETWORK) == []


def test_all_pages_are_read(world: World) -> None:
    for number in range(250):
        world.team.create(NETWORK, {"rule": f"10.0.{number}.0/24"})
    world.journal.clear()
    assert len(world.client.rules(NETWORK)) == 250
    assert len(world.journal.entries()) == 3


def test_the_key_is_in_no_message_even_when_the_api_quotes_it() -> None:
    key = "cbkey_" + "quoted"

    def quote(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403, json={"message": f"no\n{request.headers['Authorization']}"})

    real = Clock.real(threading.Event())
    with (
        closing(_client(httpx.MockTransport(quote), key, real)) as client,
        pytest.raises(ApiError) as caught,
    ):
        client.rules(NETWORK)
    assert str(caught.value).endswith("403 no Bearer [key]")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"firewall_rules": [{"id": "x"}]}),
        httpx.Response(200, json={"firewall_rules": [{"id": "x", "rule": "reef"}]}),
        httpx.Response(302, headers={"Location": "http://127.0.0.1:2/"}),
    ],
)
def test_an_answer_that_is_none_is_an_error_of_one_line(answer: httpx.Response) -> None:
    wire, real = httpx.MockTransport(lambda _: answer), Clock.real(threading.Event())
    with (
        closing(_client(wire, "cbkey_" + "x", real)) as client,
        pytest.raises(ProviderError) as caught,
    ):
        client.rules(NETWORK)
    assert "\n" not in str(caught.value)
    assert "firewall-rules" in str(caught.value)


def test_a_listing_is_asked_for_anew_when_it_is_old_or_something_was_written(world: World) -> None:
    listing = Listing(world.client, world.time.clock())
    made = world.client.create(NETWORK, BODY)
    world.journal.clear()
    for _ in range(3):
        assert listing.find(NETWORK, made.id) == made
    assert len(world.journal.entries()) == 1
    world.time.seconds += FRESH_SECONDS + 0.1
    listing.find(NETWORK, made.id)
    assert len(world.journal.entries()) == 2
    with listing.writing():
        changed = world.client.change(NETWORK, made.id, {"description": "new"})
    assert listing.find(NETWORK, made.id) == changed
