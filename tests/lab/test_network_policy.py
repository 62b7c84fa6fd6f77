"""NetworkPolicies in the network lab admit what Kubernetes says they admit."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.lab.home import LabError
from workshop.lab.network.network_policy import (
    Admitted,
    Block,
    PolicyPod,
    Ports,
    Rule,
    admitted,
    ruleset,
    selects,
)

_NAMESPACES = {"egress": {"team": "a"}, "apps": {"oceanid.io/egress": "allowed"}, "other": {}}
_GATEWAY = PolicyPod(
    namespace="egress", labels={"app": "gateway"}, address=IPv4Address("10.42.0.5")
)
_CLIENT = PolicyPod(namespace="apps", labels={"app": "web"}, address=IPv4Address("10.42.0.6"))
_STRANGER = PolicyPod(namespace="other", labels={"app": "web"}, address=IPv4Address("10.42.1.7"))
_PODS = (_GATEWAY, _CLIENT, _STRANGER)


def _policy(namespace: str = "egress", /, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": "policy"}, "spec": spec}


def _of_gateway(*policies: dict[str, Any]) -> Admitted:
    return admitted(_GATEWAY, policies, _PODS, _NAMESPACES)


def _block(pod: PolicyPod) -> Block:
    return Block(network=IPv4Network(pod.address))


def test_a_pod_that_no_policy_selects_is_open_both_ways() -> None:
    elsewhere = _policy("apps", podSelector={}, policyTypes=["Ingress", "Egress"])
    not_it = _policy(podSelector={"matchLabels": {"app": "other"}}, policyTypes=["Egress"])
    assert _of_gateway(elsewhere, not_it) == Admitted(egress=None, ingress=None)


def test_a_policy_without_rules_closes_the_direction_it_names_and_no_other() -> None:
    only_in = _policy(podSelector={})
    assert _of_gateway(only_in) == Admitted(egress=None, ingress=())
    only_out = _policy(podSelector={}, policyTypes=["Egress"])
    assert _of_gateway(only_out) == Admitted(egress=(), ingress=None)


def test_rules_of_several_policies_add_up() -> None:
    first = _policy(podSelector={}, policyTypes=["Egress"], egress=[{"ports": [{"port": 53.0}]}])
    second = _policy(podSelector={}, policyTypes=["Egress"], egress=[{}])
    found = _of_gateway(first, second).egress
    assert found == (
        Rule(blocks=None, ports=(Ports(protocol="tcp", first=53, last=53),)),
        Rule(blocks=None, ports=None),
    )


def test_peers_are_pods_of_the_own_namespace_unless_one_is_selected() -> None:
    web = {"matchLabels": {"app": "web"}}
    allowed = {"matchLabels": {"oceanid.io/egress": "allowed"}}
    cases: list[tuple[dict[str, Any], tuple[Block, ...]]] = [
        ({"podSelector": web}, ()),
        ({"podSelector": {}}, (_block(_GATEWAY),)),
        ({"namespaceSelector": allowed}, (_block(_CLIENT),)),
        ({"namespaceSelector": {}, "podSelector": web}, (_block(_CLIENT), _block(_STRANGER))),
    ]
    for peer, blocks in cases:
        rules = _of_gateway(_policy(podSelector={}, ingress=[{"from": [peer]}])).ingress
        assert rules == (Rule(blocks=blocks, ports=None),), peer


def test_a_range_is_taken_less_its_exceptions_and_ipv6_is_left_out() -> None:
    out = [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "10.42.0.0/16"]}},
        {"ipBlock": {"cidr": "::/0", "except": ["fc00::/7"]}},
    ]
    spec: dict[str, Any] = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": out}]}
    (rule,) = _of_gateway(_policy(**spec)).egress or ()
    excluded = (IPv4Network("10.0.0.0/8"),)
    assert rule.blocks == (Block(network=IPv4Network("0.0.0.0/0"), excluded=excluded),)


def test_a_port_range_and_a_protocol_without_a_port() -> None:
    ports = [{"protocol": "UDP", "port": 8473, "endPort": 51819}, {"protocol": "UDP"}]
    (rule,) = _of_gateway(_policy(podSelector={}, ingress=[{"ports": ports}])).ingress or ()
    assert rule.ports == (Ports(protocol="udp", first=8473, last=51819), Ports(protocol="udp"))


def test_what_is_not_translated_is_refused() -> None:
    with pytest.raises(LabError, match="named port 'http'"):
        _of_gateway(_policy(podSelector={}, ingress=[{"ports": [{"port": "http"}]}]))
    with pytest.raises(LabError, match="operator 'Gt'"):
        selects({"matchExpressions": [{"key": "a", "operator": "Gt"}]}, {})


@pytest.mark.parametrize(
    ("operator", "values", "labels", "holds"),
    [
        ("In", ["a"], {"k": "a"}, True),
        ("In", ["a"], {}, False),
        ("NotIn", ["a"], {"k": "b"}, True),
        ("NotIn", ["a"], {}, True),
        ("Exists", [], {"k": ""}, True),
        ("DoesNotExist", [], {"k": ""}, False),
    ],
)
def test_label_expressions(
    operator: str, values: list[str], labels: dict[str, str], *, holds: bool
) -> None:
    expression = {"key": "k", "operator": operator, "values": values}
    assert selects({"matchExpressions": [expression]}, labels) is holds


_addresses = st.sampled_from(["10.1.2.3", "10.42.0.5", "198.51.100.7", "203.0.113.9", "0.0.0.0"])
_networks = st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "10.42.0.0/16", "198.51.100.0/24"])
_ranges = st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(sorted)


@st.composite
def _egress(draw: st.DrawFn) -> dict[str, Any]:
    peers = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "ipBlock": st.fixed_dictionaries(
                        {"cidr": _networks, "except": st.lists(_networks)}
                    )
                }
            ),
            max_size=3,
        )
    )
    ports = [
        {"protocol": protocol, "port": first, "endPort": last}
        for protocol, (first, last) in draw(
            st.lists(st.tuples(st.sampled_from(["TCP", "UDP"]), _ranges), max_size=3)
        )
    ]
    return {"to": peers, "ports": ports}


def _says(rule: dict[str, Any], address: str, protocol: str, port: int) -> bool:
    """The documentation's words, one by one."""
    where = IPv4Address(address)
    peers = [each["ipBlock"] for each in rule["to"]]
    reached = not peers or any(
        where in IPv4Network(peer["cidr"])
        and not any(where in IPv4Network(each) for each in peer["except"])
        for peer in peers
    )
    passed = not rule["ports"] or any(
        each["protocol"] == protocol and each["port"] <= port <= each["endPort"]
        for each in rule["ports"]
    )
    return reached and passed


def lets(rules: Iterable[Rule], address: str, port: int, protocol: str) -> bool:
    """Whether one of the rules as the lab translates them lets a packet through."""
    where = IPv4Address(address)
    return any(
        (
            rule.blocks is None
            or any(
                where in block.network and not any(where in each for each in block.excluded)
                for block in rule.blocks
            )
        )
        and (
            rule.ports is None
            or any(
                each.protocol == protocol and each.first <= port <= each.last for each in rule.ports
            )
        )
        for rule in rules
    )


@given(
    st.lists(_egress(), max_size=4),
    _addresses,
    st.sampled_from(["TCP", "UDP"]),
    st.integers(0, 65535),
)
def test_a_packet_passes_exactly_when_a_rule_says_so(
    rules: list[dict[str, Any]], address: str, protocol: str, port: int
) -> None:
    spec: dict[str, Any] = {"podSelector": {}, "policyTypes": ["Egress"], "egress": rules}
    found = _of_gateway(_policy(**spec))
    wanted = any(_says(rule, address, protocol, port) for rule in rules)
    assert lets(found.egress or (), address, port, protocol.lower()) is wanted


def test_the_ruleset_drops_what_no_rule_returned() -> None:
    blocks = (Block(network=IPv4Network("0.0.0.0/0"), excluded=(IPv4Network("10.0.0.0/8"),)),)
    ports = (Ports(protocol="udp"), Ports(protocol="tcp", first=80, last=443))
    text = ruleset({"pod2": Admitted(egress=(Rule(blocks=blocks, ports=ports),), ingress=None)})
    assert "  chain pod2_out {\n" in text
    assert "    ip daddr != { 10.0.0.0/8 } meta l4proto udp return\n" in text
    assert "    ip daddr != { 10.0.0.0/8 } tcp dport 80-443 return\n    counter drop\n" in text
    assert text.count("iifname pod2 jump pod2_out") == 2  # towards others, and the node itself
    assert "pod2_in" not in text
