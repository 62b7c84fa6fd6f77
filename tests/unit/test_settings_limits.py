"""Names and ports that would break an update half way are refused, each with its limit."""

from __future__ import annotations

import pytest

from tests.unit.wrong_settings import (
    Change,
    Config,
    assert_refused,
    destination,
    exit_node,
    exit_on,
    image,
    labels,
    lines,
    more,
    wave,
)

_LOCAL_PORT = "egress.destinations[0].localPort"
_REFUSED: dict[str, tuple[Change, str, str]] = {
    "port 3128": (
        destination(localPort=3128),
        f"{_LOCAL_PORT} = 3128",
        "the gateway's HTTP proxy",
    ),
    "port 1080": (
        destination(localPort=1080),
        f"{_LOCAL_PORT} = 1080",
        "the gateway's SOCKS5 proxy",
    ),
    "port 9000": (
        destination(localPort=9000),
        f"{_LOCAL_PORT} = 9000",
        "Envoy's health and metrics",
    ),
    "port 9901": (destination(localPort=9901), f"{_LOCAL_PORT} = 9901", "Envoy's admin API"),
    "port 9002": (
        destination(localPort=9002),
        f"{_LOCAL_PORT} = 9002",
        "the health endpoint of tailscaled for exit node tethys",
    ),
    "port 11080": (
        destination(localPort=11080),
        f"{_LOCAL_PORT} = 11080",
        "the HTTP proxy of tailscaled for exit node tethys",
    ),
    "port 12080": (
        destination(localPort=12080),
        f"{_LOCAL_PORT} = 12080",
        "the SOCKS5 proxy of tailscaled for exit node tethys",
    ),
    "a long hostname": (exit_node(hostname="h" * 53), "exitNodes[0].hostname", "longer than 52"),
    "a hostname with a digit first": (
        exit_node(hostname="1-exit"),
        'exitNodes[0].hostname = "1-exit"',
        "begins with a digit",
    ),
    "the gateway's name": (
        exit_node(hostname="oceanid-gateway"),
        'exitNodes[0].hostname = "oceanid-gateway"',
        "another object",
    ),
    "the name of a destination's Service": (
        exit_node(hostname="to-s3"),
        'exitNodes[0].hostname = "to-s3"',
        "another object",
    ),
    "the name of a gate's policy": (
        exit_node(hostname="oceanid-check-canary"),
        'exitNodes[0].hostname = "oceanid-check-canary"',
        "another object",
    ),
    "a long name of an exit node": (exit_on("n" * 54), "exitNodes[0].node", "longer than 53"),
    "more exit nodes than Envoy tells apart": (
        lambda c: c.update(
            nodes=[{"name": f"n{i}", "address": f"8.8.{i}.1"} for i in range(101)],
            exitNodes=[
                {"node": f"n{i}", "hostname": f"exit-{i}", "egressAddress": f"8.8.{i}.1"}
                for i in range(101)
            ],
        ),
        "exitNodes = 101",
        "more than 100",
    ),
    "more destinations than a ConfigMap holds": (
        lambda c: c["egress"].update(
            destinations=[
                {"name": f"d{i}", "host": "db.example.org", "port": 1, "localPort": 20000 + i}
                for i in range(501)
            ]
        ),
        "egress.destinations = 501",
        "more than 500",
    ),
    "a long wave": (wave("w" * 39), "egress.waves[0].name", "longer than 38"),
    "a long transparent destination": (
        more(name="d" * 61, transparent=True),
        "egress.destinations[2].name",
        "longer than 60",
    ),
    "a long name in the cluster": (
        lambda c: c["nodes"][0].update(kubernetesName=f"{'k' * 40}.{'n' * 23}"),
        "nodes[0].kubernetesName",
        "longer than 63",
    ),
    "a destination named like a port of the Service": (
        destination(name="socks5"),
        'egress.destinations[0].name = "socks5"',
        "the name of a port of the gateway's Service",
    ),
    "a destination named like the probe of the address": (
        destination(name="egress-address"),
        'egress.destinations[0].name = "egress-address"',
        "the name of a check of the gate and a probe",
    ),
    "a destination named like another's check": (
        more(name="direct-database"),
        'egress.destinations[2].name = "direct-database"',
        "the name of a check of the gate",
    ),
    "two transparent ones at one port": (
        more(host="s3.us-east-2.amazonaws.com", transparent=True),
        "egress.destinations[2].port = 443",
        "s3 is transparent at the same port",
    ),
}


@pytest.mark.parametrize("case", _REFUSED)
def test_what_is_over_its_limit_is_refused_with_that_limit(case: str) -> None:
    assert_refused(*_REFUSED[case])


def test_a_second_exit_node_takes_the_next_ports() -> None:
    second = {"node": "styx", "hostname": "oceanid-exit-styx", "egressAddress": "191.101.1.3"}

    def change(config: Config) -> None:
        config["egress"]["destinations"][0]["localPort"] = 11081
        if with_second:
            config["exitNodes"].append(second)

    with_second = False
    assert lines(change) == []
    with_second = True
    (line,) = lines(change)
    assert "localPort = 11081: the port of the HTTP proxy of tailscaled for exit node styx" in line


@pytest.mark.parametrize(
    "change",
    [
        exit_node(hostname="h" * 52),
        exit_on("n" * 53),
        wave("w" * 38),
        more(name="d" * 60, transparent=True),
        more(name="d" * 63),
        more(host="s3.us-east-2.amazonaws.com", port=80, transparent=True),
        more(host="bucket.s3.us-east-2.amazonaws.com", transparent=True),
        # In the list's other section: names that companies hand out, each a host of its own.
        more(host="s3.us-west-2.amazonaws.com", transparent=True),
        more(host="www.ck", transparent=True),
        more(host="pkgs.tailscale.com", transparent=True),
        image("registry.example:5000/a/b_c:1.2.3-k3s1"),
        image(f"envoy@sha256:{'0' * 64}"),
        labels(**{"node-role.kubernetes.io__exit": "", "zone": "eu.West_1"}),
        lambda c: c["nodes"][0].update(address="fd00::9"),
    ],
)
def test_what_is_at_its_limit_passes(change: Change) -> None:
    assert lines(change) == []
