"""No pod that takes a port of its node or sends the kubelet's probes elsewhere."""

from collections.abc import Iterator

from ._check import each_container, wrong
from ._field import fields_of, value_at
from ._model import UNKNOWN, Finding, Rule, Severity
from ._security import STANDARDS
from ._subject import Body, Container

_HANDLERS = (
    ("livenessProbe",),
    ("readinessProbe",),
    ("startupProbe",),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
)
_OTHER_HOST = "the kubelet asks another host, from the node's network"


def _ports(container: Container, body: Body) -> Iterator[Finding]:
    ports = fields_of(body.get("ports"), (*container.where, "ports"), "hostPort")
    return wrong(ports, lambda port: port not in (None, 0), "the pod takes a port of its node")


def _handlers(container: Container, body: Body) -> Iterator[Finding]:
    for path in _HANDLERS:
        where, handler = value_at(body, container.where, *path)
        if handler is UNKNOWN:
            yield Finding.unjudged(where)
            continue
        hosts = [value_at(handler, where, action, "host") for action in ("httpGet", "tcpSocket")]
        yield from wrong(hosts, lambda host: host not in (None, ""), _OTHER_HOST)


RULES = (
    Rule(
        name="host-port",
        severity=Severity.HIGH,
        description="A container must not take a port of its node.",
        remedy="remove hostPort and put a Service in front (internalTrafficPolicy: Local)",
        source="Pod Security Standards, baseline, host ports",
        url=f"{STANDARDS}#baseline",
        limitations="A Service of type NodePort or LoadBalancer.",
        check=each_container(_ports),
        cel_expression=(
            "variables.containers.all(c, !has(c.ports) || "
            "c.ports.all(p, !has(p.hostPort) || p.hostPort == 0))"
        ),
        cel_differs_because=(
            "A pod with hostNetwork fires for each containerPort, because the API server takes "
            "the same port of the node before it asks the policies."
        ),
        tags=("pod-security", "pss-baseline", "network"),
    ),
    Rule(
        name="probe-host",
        severity=Severity.MEDIUM,
        description="A probe or lifecycle hook must ask its own pod, not a host that it names.",
        remedy="remove host from the httpGet or tcpSocket action",
        source="Pod Security Standards, baseline, host probes and lifecycle hooks (since 1.34)",
        url=f"{STANDARDS}#baseline",
        limitations="What a probe's command asks.",
        check=each_container(_handlers),
        tags=("pod-security", "pss-baseline", "network"),
    ),
)
