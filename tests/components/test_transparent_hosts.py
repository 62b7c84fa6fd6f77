"""A transparent host has one Service and one DNS zone, however many ports of it are used."""

import re
from ipaddress import IPv4Network
from typing import Any, cast

import pytest

from components.cluster.network_policy import ClusterNetwork, egress_restricted_policy
from components.values.fields import endpoint
from workshop.testing.recording import Recording, configured, record_stack

_HOST = "p.oceanid.db.postgresbridge.com"
_POOLER = {
    "name": "pooler",
    "host": _HOST,
    "port": 5431,
    "localPort": 15431,
    "protocol": "postgres",
    "transparent": True,
}


def _recorded(*more: dict[str, Any]) -> Recording:
    egress = configured("egress")
    return record_stack("dev", egress=egress | {"destinations": [*egress["destinations"], *more]})


@pytest.fixture(scope="module")
def recording() -> Recording:
    return _recorded(_POOLER)


def _services(recording: Recording) -> dict[str, dict[str, Any]]:
    return {
        name: each["spec"]
        for each in recording.manifests
        if (name := each["metadata"]["name"]).startswith("to-")
    }


def _zones(recording: Recording) -> dict[str, str]:
    """Zones with the address that each answers with."""
    data: dict[str, str] = recording.named("gateway-dns")["data"]
    found = re.findall(
        r'^(\S+):53 \{.*?IN A ([\d.]+)"', data["oceanid.server"], re.DOTALL | re.MULTILINE
    )
    assert len(found) == data["oceanid.server"].count(":53 {")
    zones = dict(found)
    assert len(zones) == len(found), "CoreDNS does not start with a zone twice"
    return zones


def test_two_ports_of_one_host_have_one_zone_and_one_service(recording: Recording) -> None:
    services = _services(recording)
    assert set(services) == {"to-database", "to-s3"}
    assert _zones(recording) == {
        _HOST: services["to-database"]["clusterIP"],
        "s3.us-east-2.amazonaws.com": services["to-s3"]["clusterIP"],
    }
    ports = {each["name"]: each for each in services["to-database"]["ports"]}
    assert (ports["database"]["port"], ports["database"]["targetPort"]) == (5432, 15432)
    assert (ports["pooler"]["port"], ports["pooler"]["targetPort"]) == (5431, 15431)


def test_hosts_with_one_port_keep_the_services_they_had(recording: Recording) -> None:
    names = [each.name for each in _recorded().resources if each.name.startswith("gateway-to-")]
    assert names == ["gateway-to-database", "gateway-to-s3"]
    before = _recorded().named("gateway-to-s3")
    assert recording.named("gateway-to-s3") == before


def test_a_fence_with_no_service_range_lets_nothing_out_by_tcp() -> None:
    network = ClusterNetwork(
        pods=IPv4Network("10.42.0.0/16"),
        services=IPv4Network("10.43.0.0/16"),
        nodes=(),
        api_servers=(endpoint("157.173.210.123:6443"),),
    )
    # In a rule that is there, an empty `to` is anywhere.
    peers = [rule.to for rule in cast("list[Any]", egress_restricted_policy(network, []).egress)]
    assert peers
    assert [] not in peers
