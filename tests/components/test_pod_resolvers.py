"""Every pod may ask the resolver that its `dnsPolicy` gives it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from components.secrets.operator_chart import CERTIFICATES, CONTROLLER, WEBHOOK, pod_labels
from settings.names import SECRETS_NAMESPACE
from tests.components.kubernetes_rules import admits, pod_of
from workshop.testing.recording import record_stack

_DNS_PORT = 53
# The cluster's DNS: pods of whatever labels, by a peer that is their namespace.
_SYSTEM = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
# What stands in a node's resolv.conf: a public one, a home router, a VPC's, a cloud's link-local
# one, that of the node's own tailscaled, a stub on the node.
_NODE_RESOLVERS = (
    *("1.1.1.1", "192.168.2.1", "10.0.0.2", "169.254.169.253", "100.100.100.100", "127.0.0.53"),
)
# Its pods; its Service, which NodeLocal DNSCache answers for on the node, before any NAT; and the
# address that NodeLocal DNSCache has of its own.
_PODS_OF_DNS = "pods of kube-system"
_CLUSTER_DNS = (_PODS_OF_DNS, "10.43.0.10", "169.254.20.10")


@dataclass(frozen=True, kw_only=True)
class _Pod:
    namespace: str
    labels: dict[str, str]


@cache
def _manifests(stack: str) -> list[dict[str, Any]]:
    return record_stack(stack).manifests


def _pods(stack: str) -> Iterator[tuple[str, _Pod, str]]:
    """Each kind of pod of the stack by a name, with its `dnsPolicy`."""
    for each in _manifests(stack):
        pod = pod_of(each)
        if pod is None:
            continue
        assert not pod.get("hostNetwork")
        namespace = each["metadata"]["namespace"]
        labels = each["spec"]["template"]["metadata"]["labels"]
        name = f"{each['kind']} {each['metadata']['name']}"
        found = _Pod(namespace=namespace, labels=labels)
        yield name, found, pod.get("dnsPolicy", "ClusterFirst")
    # The operator's chart, which is not rendered here, leaves dnsPolicy out.
    for part in (CONTROLLER, WEBHOOK, CERTIFICATES):
        found = _Pod(namespace=SECRETS_NAMESPACE, labels=pod_labels(part))
        yield part, found, "ClusterFirst"


def _refused(stack: str, pod: _Pod, resolvers: tuple[str, ...]) -> list[str]:
    """Those of the resolvers that the stack's policies keep the pod from, by UDP or TCP."""
    fences = [each for each in _manifests(stack) if _fences(each, pod)]
    return [
        f"{address} by {protocol}"
        for address in resolvers
        for protocol in ("UDP", "TCP")
        # Rules add up, and a pod without any is open.
        if fences and not any(_reaches(fence, address, protocol) for fence in fences)
    ]


def _fences(manifest: dict[str, Any], pod: _Pod) -> bool:
    """Whether it is a policy of what the pod may reach."""
    spec = manifest.get("spec", {})
    if manifest["kind"] != "NetworkPolicy" or "Egress" not in spec["policyTypes"]:
        return False
    assert set(spec["podSelector"]) <= {"matchLabels"}
    labels = spec["podSelector"].get("matchLabels", {})
    is_near = manifest["metadata"]["namespace"] == pod.namespace
    return bool(is_near and labels.items() <= pod.labels.items())


def _reaches(fence: dict[str, Any], address: str, protocol: str) -> bool:
    if address != _PODS_OF_DNS:
        return admits(fence, address, _DNS_PORT, protocol)
    return any(
        {"port": _DNS_PORT, "protocol": protocol} in rule["ports"]
        and _SYSTEM in rule.get("to", [_SYSTEM])
        for rule in fence["spec"].get("egress", [])
    )


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
