"""Every pod may ask the resolver that its `dnsPolicy` gives it."""

from collections.abc import Iterator
from functools import cache
from ipaddress import IPv4Address
from typing import Any

import pytest

from components.secrets.operator_chart import CERTIFICATES, CONTROLLER, WEBHOOK, pod_labels
from settings.names import SECRETS_NAMESPACE
from tests.components.kubernetes_rules import pod_of
from tests.lab.test_network_policy import lets
from workshop.lab.network.network_policy import PolicyPod, admitted
from workshop.testing.recording import record_stack

_SYSTEM = "kube-system"
_DNS_PORT = 53
# What stands in a node's resolv.conf: a public one, a home router, a VPC's, a cloud's link-local
# one, that of the node's own tailscaled, a stub on the node.
_NODE_RESOLVERS = (
    *("1.1.1.1", "192.168.2.1", "10.0.0.2", "169.254.169.253", "100.100.100.100", "127.0.0.53"),
)
_COREDNS = PolicyPod(
    namespace=_SYSTEM, labels={"k8s-app": "kube-dns"}, address=IPv4Address("10.42.0.53")
)
# By its own chart's default.
_COREDNS_OF_A_CHART = PolicyPod(
    namespace=_SYSTEM, labels={"k8s-app": "coredns"}, address=IPv4Address("10.42.1.53")
)
# Its pods; its Service, which NodeLocal DNSCache answers for on the node, before any NAT; and the
# address that NodeLocal DNSCache has of its own.
_CLUSTER_DNS = ("10.42.0.53", "10.42.1.53", "10.43.0.10", "169.254.20.10")


@cache
def _manifests(stack: str) -> list[dict[str, Any]]:
    return record_stack(stack).manifests


def _pods(stack: str) -> Iterator[tuple[str, PolicyPod, str]]:
    """Each kind of pod of the stack by a name, with its `dnsPolicy`."""
    at = IPv4Address("10.42.2.9")
    for each in _manifests(stack):
        pod = pod_of(each)
        if pod is None:
            continue
        assert not pod.get("hostNetwork")
        namespace = each["metadata"]["namespace"]
        labels = each["spec"]["template"]["metadata"]["labels"]
        name = f"{each['kind']} {each['metadata']['name']}"
        found = PolicyPod(namespace=namespace, labels=labels, address=at)
        yield name, found, pod.get("dnsPolicy", "ClusterFirst")
    # The operator's chart, which is not rendered here, leaves dnsPolicy out.
    for part in (CONTROLLER, WEBHOOK, CERTIFICATES):
        found = PolicyPod(namespace=SECRETS_NAMESPACE, labels=pod_labels(part), address=at)
        yield part, found, "ClusterFirst"


def _refused(stack: str, pod: PolicyPod, resolvers: tuple[str, ...]) -> list[str]:
    """Those of the resolvers that the stack's policies keep the pod from, by UDP or TCP."""
    policies = [each for each in _manifests(stack) if each["kind"] == "NetworkPolicy"]
    namespaces = {_SYSTEM: {"kubernetes.io/metadata.name": _SYSTEM}}
    rules = admitted(pod, policies, (_COREDNS, _COREDNS_OF_A_CHART), namespaces).egress
    return [
        f"{address} by {protocol}"
        for address in resolvers
        for protocol in ("udp", "tcp")
        if rules is not None and not lets(rules, address, _DNS_PORT, protocol)
    ]


_BY_POLICY = {"Default": _NODE_RESOLVERS, "ClusterFirst": _CLUSTER_DNS}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_pod_may_ask_the_resolver_that_its_dns_policy_gives_it(stack: str) -> None:
    refused = {
        name: missing
        for name, pod, dns_policy in _pods(stack)
        if (missing := _refused(stack, pod, _BY_POLICY[dns_policy]))
    }
    assert refused == {}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_pods_of_both_sorts_are_judged(stack: str) -> None:
    assert {dns_policy for _, _, dns_policy in _pods(stack)} == set(_BY_POLICY)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_who_asks_the_clusters_dns_can_ask_no_resolver_outside_it(stack: str) -> None:
    # A fenced pod may: the policy of its namespace's gateways holds for the gate's as well.
    for name, pod, dns_policy in _pods(stack):
        if dns_policy == "ClusterFirst" and "oceanid.io/fenced" not in pod.labels:
            private = ("192.168.2.1", "10.0.0.2", "169.254.169.253")
            assert len(_refused(stack, pod, private)) == 2 * len(private), name
