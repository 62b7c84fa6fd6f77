"""Envoy's bootstrap as data: what holds for every gateway, and which gateways are refused."""

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.egress.destination import Destination
from components.egress.envoy import bootstrap
from components.egress.envoy_gateway import ExitNodeProxy, Gateway

pytestmark = pytest.mark.slow


def _gateway(destinations: int, exit_nodes: int) -> Gateway:
    return Gateway(
        destinations=tuple(
            Destination(name=f"db-{n}", host="db.example", port=5432, local_port=20000 + n)
            for n in range(destinations)
        ),
        exit_nodes=tuple(
            ExitNodeProxy(
                name=f"exit-{n}",
                tailnet_address=f"100.64.0.{n}",
                health_port=9002,
                http_port=11080 + n,
                socks5_port=12080 + n,
            )
            for n in range(exit_nodes)
        ),
        http_port=3128,
        socks5_port=1080,
        status_port=9003,
        admin_port=9901,
        max_connections=100,
    )


_gateways = pytest.mark.parametrize(
    "gateway", [_gateway(0, 1), _gateway(2, 3)], ids=["no destination", "several of each"]
)


def _sockets(node: Any) -> Iterator[tuple[str, int]]:
    if isinstance(node, dict):
        if "socket_address" in node:
            yield node["socket_address"]["address"], node["socket_address"]["port_value"]
        for value in node.values():
            yield from _sockets(value)
    elif isinstance(node, list):
        for value in node:
            yield from _sockets(value)


def _tcp_proxy(listener: dict[str, Any]) -> dict[str, Any]:
    proxy: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return proxy


@_gateways
def test_the_admin_port_and_everything_sent_to_is_on_the_loopback(gateway: Gateway) -> None:
    document = bootstrap(gateway)
    inside = [document["admin"], document["static_resources"]["clusters"]]
    assert {host for host, _ in _sockets(inside)} == {"127.0.0.1"}
    listening = dict.fromkeys(
        port for _, port in _sockets(document["static_resources"]["listeners"])
    )
    assert gateway.admin_port not in listening


@_gateways
def test_an_idle_connection_outlives_two_hours_on_every_egress_port(gateway: Gateway) -> None:
    for listener in bootstrap(gateway)["static_resources"]["listeners"]:
        proxy = _tcp_proxy(listener)
        if listener["name"] == "status":
            continue
        if listener["name"] == "http-proxy":
            tunnel = proxy["route_config"]["virtual_hosts"][0]["routes"][0]["route"]
            assert tunnel["timeout"] == "0s"
            idle = tunnel["idle_timeout"]
        else:
            idle = proxy["idle_timeout"]
        assert int(idle.removesuffix("s")) > 2 * 60 * 60


@_gateways
def test_a_client_that_is_gone_is_seen_within_two_minutes_and_a_slow_one_is_kept(
    gateway: Gateway,
) -> None:
    for listener in bootstrap(gateway)["static_resources"]["listeners"]:
        if "internal_listener" in listener:
            continue
        keepalive = listener["tcp_keepalive"]
        probes = keepalive["keepalive_interval"] * keepalive["keepalive_probes"]
        assert keepalive["keepalive_time"] + probes <= 120
        # TCP_USER_TIMEOUT would end a client that lives and does not read for so long.
        assert "socket_options" not in listener


@_gateways
def test_what_may_have_acted_is_not_sent_twice(gateway: Gateway) -> None:
    listener = bootstrap(gateway)["static_resources"]["listeners"][len(gateway.destinations)]
    connect, again, once = _tcp_proxy(listener)["route_config"]["virtual_hosts"][0]["routes"]
    (header,) = again["match"]["headers"]
    methods = header["string_match"]["safe_regex"]["regex"].split("|")
    assert not {"POST", "PATCH"} & set(methods)
    assert "retry_policy" not in once["route"]
    assert connect["route"]["retry_policy"] == again["route"]["retry_policy"]


@given(st.text(max_size=80))
def test_a_host_is_taken_only_if_it_fits_in_an_authority(host: str) -> None:
    try:
        destination = Destination(name="db", host=host, port=5432, local_port=15432)
    except ValueError:
        return
    assert destination.authority == f"{host}:5432"
    assert set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    if host.replace(".", "").isdigit():
        IPv4Address(host)


@pytest.mark.parametrize(
    "host",
    ["", "db.example:5432", "https://db.example", "db.example.", "2001:db8::1", "DB.example",
     "a b", "db\r\nx: y", "1.2.3", "256.1.1.1", "-db", "a..b", "x" * 64, "db.example\n"],
)  # fmt: skip
def test_a_malformed_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"1 validation error for Destination\nhost\n"):
        Destination(name="db", host=host, port=5432, local_port=15432)
