"""The preflight asks CrunchyBridge's API, here the stand-in, about the database's network."""

import pytest

from operations.errors import UnavailableError
from operations.preflight.checks import database
from operations.preflight.finding import PreflightFinding, Verdict
from settings import Settings
from tests.unit.seen_cluster import prod
from workshop.testing.provider_stand_in import StandIn

pytestmark = pytest.mark.slow


def _settings(network: str) -> Settings:
    settings = prod()
    firewall = settings.firewall.model_copy(update={"network": network})
    return settings.model_copy(update={"firewall": firewall})


def _asked(stand_in: StandIn, *, network: str = "", key: str = "") -> PreflightFinding:
    environment = {
        "CRUNCHYBRIDGE_BASE_URL": stand_in.url,
        "CRUNCHY_API_KEY": key or stand_in.api_key,
    }
    (result,) = database.check(_settings(network or stand_in.network), environment)
    return result


def test_a_network_that_exists_is_fine_and_nothing_is_changed(stand_in: StandIn) -> None:
    stand_in.add("198.51.100.7/32")
    stand_in.forget_requests()
    result = _asked(stand_in)
    assert result.verdict is Verdict.OK
    assert result.what == "exists, with 1 firewall rules"
    assert {method for method, _ in stand_in.requests()} == {"GET"}


def test_an_id_that_no_network_has_is_a_failure(stand_in: StandIn) -> None:
    result = _asked(stand_in, network=prod().firewall.network)
    assert result.verdict is Verdict.FAIL
    assert "404" in result.what
    assert "firewall.network" in result.remedy


def test_a_refused_key_is_a_failure_that_does_not_show_it(stand_in: StandIn) -> None:
    key = "cbkey_" + "notthisone"
    result = _asked(stand_in, key=key)
    assert result.verdict is Verdict.FAIL
    assert "401" in result.what
    assert key not in result.what + result.remedy


def test_without_a_key_the_check_says_what_is_missing() -> None:
    with pytest.raises(UnavailableError, match="CRUNCHY_API_KEY"):
        list(database.check(prod(), {}))


def test_an_api_that_asks_to_wait_for_minutes_is_not_waited_for(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_SECONDS", 0.5)
    stand_in.fault("status", status=429, retry_after=120)
    with pytest.raises(UnavailableError, match="no answer within"):
        _asked(stand_in)
