"""The limits of the settings are what the rendered objects leave room for, to the character."""

import json
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from components.egress.requests import gateway_requests
from components.values.fields import check_host
from operations.preflight.room import amount
from policies.rules import firewall_range
from settings import firewall, rendered
from tests.components.kubernetes_rules import LONGEST_LABEL, Json, faults, label_values, pod_of
from workshop.testing.recording import Recording, configured, record_stack

_NODE = "n" * rendered.LONGEST_EXIT_NODE
_HOSTNAME = "h" * rendered.LONGEST_HOSTNAME
_WAVE = "w" * rendered.LONGEST_WAVE
_TRANSPARENT = "t" * rendered.LONGEST_TRANSPARENT
_IN_CLUSTER = f"{'k' * (LONGEST_LABEL - 8)}.example"
_EXIT_NODES = (_NODE, "styx", "calypso")


def with_longest_names() -> Recording:
    """The program with every name as long as the settings take it, and three exit nodes."""
    nodes, egress = configured("nodes"), configured("egress")
    nodes[0] |= {"name": _NODE, "kubernetesName": _IN_CLUSTER}
    egress["waves"][0]["name"] = _WAVE
    egress["destinations"][0]["name"] = _TRANSPARENT
    return record_stack(
        "dev",
        nodes=nodes,
        egress=egress,
        exitNodes=[
            {"node": name, "hostname": hostname, "egressAddress": address}
            for name, hostname, address in zip(
                _EXIT_NODES,
                (_HOSTNAME, "exit-styx", "exit-calypso"),
                ("157.173.210.123", "198.51.100.8", "198.51.100.9"),
                strict=True,
            )
        ],
    )


def with_most_destinations() -> Recording:
    """The program with as many destinations as the settings take, of the longest names."""
    host = ".".join(["h" * 63] * 3 + ["example", "org"])
    egress = configured("egress") | {
        "destinations": [
            {"name": f"{at}{'d' * 60}", "host": host, "port": 443, "localPort": 20000 + at}
            for at in range(rendered.MOST_DESTINATIONS)
        ]
    }
    return record_stack("dev", egress=egress)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return with_longest_names()


@pytest.mark.parametrize("kind", ["StatefulSet", "Job"])
def test_one_character_more_would_be_too_many(recording: Recording, kind: str) -> None:
    longest = max(
        (each for each in recording.manifests if each["kind"] == kind),
        key=lambda each: len(each["metadata"]["name"]),
    )
    longest["metadata"]["name"] += "x"
    assert faults([longest])


def _named(recording: Recording, kind: str, part: str) -> str:
    """The one name of that kind with `part` in it."""
    (name,) = {
        str(each["metadata"]["name"])
        for each in recording.manifests
        if each["kind"] == kind and part in each["metadata"]["name"]
    }
    return name


def _pods(recording: Recording) -> list[Json]:
    return [pod for each in recording.manifests if (pod := pod_of(each)) is not None]


def test_controllers_run_everything_with_every_name_at_its_limit(recording: Recording) -> None:
    assert faults(recording.manifests) == []


def test_every_longest_name_fills_what_it_ends_up_in(recording: Recording) -> None:
    assert len(_named(recording, "StatefulSet", _HOSTNAME)) + len("-0123456789") == LONGEST_LABEL
    assert len(_named(recording, "Service", _TRANSPARENT)) == LONGEST_LABEL
    jobs = [each["metadata"]["name"] for each in recording.manifests if each["kind"] == "Job"]
    assert max(len(name) for name in jobs if _WAVE in name) == LONGEST_LABEL
    names = [container["name"] for pod in _pods(recording) for container in pod["containers"]]
    assert max(map(len, names)) == LONGEST_LABEL
    assert all(_NODE in name for name in names if len(name) == LONGEST_LABEL)
    values = [value for each in recording.manifests for value in label_values(each)]
    assert max(map(len, values)) == LONGEST_LABEL == len(_IN_CLUSTER)


def _listened(recording: Recording) -> set[int]:
    """The TCP ports on which anything in a gateway's pod listens."""
    (config,) = [
        json.loads(each["data"]["envoy.json"])
        for each in recording.manifests
        if each["metadata"]["name"].startswith(f"wave-{_WAVE}-envoy")
    ]
    addresses = [config["admin"]["address"]] + [
        listener["address"]
        for listener in config["static_resources"]["listeners"]
        # An internal listener is memory and has none.
        if "internal_listener" not in listener
    ]
    ports = [int(each["socket_address"]["port_value"]) for each in addresses]
    (pod,) = [
        pod_of(each)
        for each in recording.manifests
        if each["kind"] == "DaemonSet" and each["metadata"]["name"].endswith(_WAVE)
    ]
    assert pod is not None
    for container in pod["containers"]:
        ports += [
            int(variable["value"].rpartition(":")[2])
            for variable in container.get("env", [])
            if variable["name"]
            in {"TS_LOCAL_ADDR_PORT", "TS_OUTBOUND_HTTP_PROXY_LISTEN", "TS_SOCKS5_SERVER"}
        ]
    assert len(ports) == len(set(ports))
    declared = {int(p["containerPort"]) for c in pod["containers"] for p in c.get("ports", [])}
    assert declared <= set(ports)
    return set(ports)


def test_the_ports_kept_from_destinations_are_those_the_gateway_listens_on(
    recording: Recording,
) -> None:
    local = {each["localPort"] for each in configured("egress")["destinations"]}
    assert set(rendered.gateway_ports(_EXIT_NODES)) == _listened(recording) - local


def test_a_gateways_requests_are_those_that_the_preflight_looks_for_room_for(
    recording: Recording,
) -> None:
    (pod,) = [
        pod_of(each)
        for each in recording.manifests
        if each["kind"] == "DaemonSet" and each["metadata"]["name"].endswith(_WAVE)
    ]
    assert pod is not None
    requests = [container["resources"]["requests"] for container in pod["containers"]]
    for name, whole in gateway_requests(len(_EXIT_NODES)).items():
        assert amount(whole) == sum(amount(each[name]) for each in requests)
    assert {name for each in requests for name in each} == {"cpu", "memory"}


def test_an_exit_node_cannot_have_the_name_of_any_other_object_beside_it(
    recording: Recording,
) -> None:
    kinds = {each["kind"] for each in _of_exit_node(recording)} - {"Secret"}
    others = {
        str(each["metadata"]["name"])
        for each in recording.manifests
        if each["kind"] in kinds
        and each["metadata"].get("namespace") == "oceanid-egress"
        and each not in _of_exit_node(recording)
    }
    transparent = [_TRANSPARENT, "s3"]
    taken = rendered.namespace_objects([_WAVE, "fleet"], transparent)
    # Kubernetes makes a ServiceAccount in every namespace.
    assert {name for name in taken if _WAVE not in name} - {"default"} == {
        name for name in others if _WAVE not in name
    }
    assert {name for name in others if _WAVE in name} <= taken


def _of_exit_node(recording: Recording) -> list[Json]:
    label = "app.kubernetes.io/instance"
    return [each for each in recording.manifests if label in each["metadata"].get("labels", {})]


def test_no_destination_can_have_a_name_that_the_gate_or_the_service_gives_to_another() -> None:
    hostnames = [node["hostname"] for node in configured("exitNodes")]
    destinations = configured("egress")["destinations"]
    destinations.append(
        {"name": "plain", "host": "plain.example.org", "port": 1, "localPort": 15001}
    )
    recording = record_stack("dev", egress=configured("egress") | {"destinations": destinations})
    names = [each["name"] for each in destinations]
    document = json.loads(recording.named("gate-canary-program")["data"]["checks.json"])
    checks = {each["name"] for each in document["checks"]} - set(names)
    ports = {
        each["name"] for each in recording.named("gateway-oceanid-gateway")["spec"]["ports"]
    } - set(names)
    probes = {
        each.inputs["metadata"]["name"].removeprefix("oceanid-")
        for each in recording.resources
        if each.inputs.get("kind") == "Probe"
    } - set(names)
    # `direct-echo` is the gate's own: a destination of that name is called `direct-echo` as well.
    own = {"echo" if name == "direct-echo" else name for name in checks | ports | probes}
    taken = rendered.destination_names(names, hostnames)
    assert own <= set(taken)
    # Whatever protocol they have, and whether or not they are transparent.
    made_for_others = {each for name in names for each in (f"direct-{name}", f"{name}-port")}
    assert set(taken) - own == made_for_others - own


@given(st.ip_addresses(v=4))
def test_an_exit_node_may_reach_every_address_that_a_destination_may_have(
    recording: Recording, address: IPv4Address
) -> None:
    try:
        check_host(str(address))
    except ValueError:
        return
    cluster = [IPv4Network(configured("cluster")[key]) for key in ("podCidr", "serviceCidr")]
    # Held against the settings' own nodes and ranges elsewhere.
    assume(not any(address in network for network in cluster))
    assume(str(address) not in {each["address"] for each in configured("nodes")})
    rules = recording.named(f"exit-{_NODE}-fence")["spec"]["egress"]
    blocks = [peer["ipBlock"] for peer in rules[0]["to"]]
    assert "ports" not in rules[0]
    (internet,) = [each for each in blocks if each["cidr"] == "0.0.0.0/0"]
    assert not any(address in IPv4Network(each) for each in internet["except"])


def test_the_firewalls_narrowest_ranges_are_those_of_the_rule() -> None:
    assert firewall._SHORTEST == firewall_range._SHORTEST
