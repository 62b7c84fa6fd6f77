"""The API servers that pods may reach: the settings' list, or the cluster's own endpoints."""

from collections.abc import Sequence
from typing import Any

import pytest

from operations.errors import RequestError, UnavailableError
from operations.preflight.checks import api_servers
from operations.preflight.finding import PreflightFinding, Verdict
from operations.preflight.view import Kind, View
from settings import Settings, with_api_servers
from tests.unit.seen_cluster import prod, view

_TETHYS, _STYX, _CALYPSO = "157.173.210.123:6443", "191.101.1.3:6443", "192.168.2.80:6443"


def _slice(*addresses: str, port: int = 6443, **more: Any) -> dict[str, Any]:
    endpoints = [{"addresses": [each], "conditions": {"ready": True}} for each in addresses]
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    return {"addressType": "IPv4", "endpoints": endpoints, "ports": ports, **more}


_THREE = _slice("192.168.2.80", "157.173.210.123", "191.101.1.3")


def _given(*servers: str) -> Settings:
    return with_api_servers(prod(), servers)


def _not_given() -> Settings:
    settings = prod()
    cluster = settings.cluster.model_copy(update={"api_server": None})
    return settings.model_copy(update={"cluster": cluster})


def _found(settings: Settings, *slices: dict[str, Any]) -> list[PreflightFinding]:
    return list(api_servers.check(settings, view(api_servers=list(slices))))


def _admitted(settings: Settings, *slices: dict[str, Any]) -> tuple[str, ...] | None:
    return api_servers.admitted(settings, view(api_servers=list(slices)))


def test_what_the_settings_name_is_admitted_whatever_the_cluster_says() -> None:
    assert _admitted(_given(_STYX, _TETHYS), _THREE) == (_TETHYS, _STYX)
    assert _admitted(_given(_TETHYS)) == (_TETHYS,)


def test_without_settings_every_ready_endpoint_is_admitted_in_order() -> None:
    assert _admitted(_not_given(), _THREE) == (_TETHYS, _STYX, _CALYPSO)
    one_each = [_slice("192.168.2.80"), _slice("157.173.210.123"), _slice("191.101.1.3")]
    assert _admitted(_not_given(), *one_each) == (_TETHYS, _STYX, _CALYPSO)


def test_several_slices_of_both_families_and_their_own_ports_are_read() -> None:
    six = _slice("2001:db8::2", "2001:db8::1", port=443, addressType="IPv6")
    assert _admitted(_not_given(), six, _slice("9.9.9.9"), _slice("9.9.9.9")) == (
        "9.9.9.9:6443",
        "[2001:db8::1]:443",
        "[2001:db8::2]:443",
    )


def test_names_other_protocols_and_what_is_not_ready_are_passed_over() -> None:
    named = _slice("api.example.org", addressType="FQDN")
    udp = _slice("9.9.9.9", ports=[{"port": 6443, "protocol": "UDP"}, {"name": "every"}])
    starting = _slice("8.8.8.8")
    starting["endpoints"][0]["conditions"] = {"ready": False, "serving": True}
    assert _admitted(_not_given(), named, udp, starting) is None
    # No condition is as good as a true one, and TCP is the protocol where none is given.
    old = _slice("8.8.4.4", ports=[{"port": 6443}])
    old["endpoints"][0]["conditions"] = {}
    assert _admitted(_not_given(), starting, old) == ("8.8.4.4:6443",)


@pytest.mark.parametrize("slices", [(), (_slice(),), ({"addressType": "IPv4", "endpoints": None},)])
def test_without_settings_and_endpoints_the_check_fails_with_the_key_to_set(
    slices: Sequence[dict[str, Any]],
) -> None:
    assert _admitted(_not_given(), *slices) is None
    (result,) = _found(_not_given(), *slices)
    assert (result.verdict, result.where) == (Verdict.FAIL, "default/kubernetes")
    assert result.what == "no endpoint is ready, and cluster.apiServer is not given"
    assert "cluster.apiServer" in result.remedy


def test_endpoints_that_may_not_be_listed_say_so_with_the_right_to_grant() -> None:
    refused = View(objects={Kind.API_SERVERS: RequestError("no right to list these")})
    assert api_servers.admitted(_not_given(), refused) is None
    assert api_servers.admitted(prod(), refused) == (_TETHYS,)
    for settings, more in ((_not_given(), True), (prod(), False)):
        with pytest.raises(
            UnavailableError, match=r"^endpointslices cannot be listed: no right"
        ) as error:
            list(api_servers.check(settings, refused))
        assert error.value.remedy.startswith(
            "grant list on endpointslices in the namespace default"
        )
        assert ("cluster.apiServer" in error.value.remedy) is more


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("127.0.0.1", "not an address by which other machines reach one machine"),
        ("10.42.0.9", "it lies in cluster.podCidr"),
        ("18.116.211.217", "egress.destinations[0].host"),
    ],
)
def test_an_endpoint_that_breaks_a_rule_of_the_settings_is_not_taken(
    address: str, rule: str
) -> None:
    assert _admitted(_not_given(), _slice(address)) is None
    (result,) = _found(_not_given(), _slice(address))
    assert result.verdict is Verdict.FAIL
    assert f"{address}:6443" in result.what
    assert rule in result.what


def test_an_endpoint_that_the_settings_do_not_name_is_a_failure_with_both_remedies() -> None:
    results = _found(_given(_TETHYS, _STYX), _THREE)
    (failed,) = [each for each in results if each.verdict is Verdict.FAIL]
    assert failed.where == f"API server {_CALYPSO}"
    assert "cluster.apiServer does not name" in failed.what
    assert failed.remedy.startswith("add it there, or remove cluster.apiServer")
    (right,) = [each for each in results if each.verdict is Verdict.OK]
    assert right.where == f"API servers {_TETHYS}, {_STYX}"


def test_the_right_address_with_another_port_is_a_failure() -> None:
    results = _found(_given(_TETHYS), _slice("157.173.210.123", port=7443))
    assert [each.verdict for each in results] == [Verdict.FAIL, Verdict.WARN]


def test_a_named_one_that_is_no_endpoint_is_a_warning_as_it_may_be_a_load_balancer() -> None:
    results = _found(_given(_TETHYS, "203.0.113.9:6443"), _slice("157.173.210.123"))
    (warned,) = [each for each in results if each.verdict is Verdict.WARN]
    assert warned.where == "API server 203.0.113.9:6443"
    assert "load balancer" in warned.remedy
    assert not [each for each in results if each.verdict is Verdict.FAIL]


def test_settings_that_cannot_be_compared_are_a_warning() -> None:
    (warned,) = _found(prod())
    assert (warned.verdict, warned.where) == (Verdict.WARN, "default/kubernetes")


def test_all_named_and_all_there_is_one_good_result() -> None:
    (result,) = _found(_given(_TETHYS, _STYX, _CALYPSO), _THREE)
    assert result.verdict is Verdict.OK
    (taken,) = _found(_not_given(), _THREE)
    assert (taken.verdict, "not given" in taken.what) == (Verdict.OK, True)
