"""No pod that takes a port of its node or sends the kubelet's probes elsewhere."""

from collections.abc import Iterator

from ._check import each_container
from ._field import entries_of, value_at
from ._model import UNKNOWN, Enforcement, Finding, Rule, Severity
from ._security import STANDARDS
from ._subject import Body, Container

_HANDLERS = (
    ("livenessProbe",),
    ("readinessProbe",),
    ("startupProbe",),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
)


def _ports(container: Container, body: Body) -> Iterator[Finding]:
    for where, port in entries_of(body.get("ports"), (*container.where, "ports")):
        place, number = value_at(port, where, "hostPort")
        if port is UNKNOWN or number is UNKNOWN:
            yield Finding.unjudged(where if port is UNKNOWN else place)
        elif number is not None and number != 0:
            yield Finding.fires(place, "the pod takes a port of its node")


def _handlers(container: Container, body: Body) -> Iterator[Finding]:
    for path in _HANDLERS:
        where, handler = value_at(body, container.where, *path)
        if handler is UNKNOWN:
            yield Finding.unjudged(where)
            continue
        for action in ("httpGet", "tcpSocket"):
            place, host = value_at(handler, where, action, "host")
            if host is UNKNOWN:
                yield Finding.unjudged(place)
            elif host not in (None, ""):
                yield Finding.fires(place, "the kubelet asks another host, from the node's network")


RULES = (
    Rule(
        name="host-port",
        severity=Severity.HIGH,
        enforcement=Enforcement.MANDATORY,
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
        enforcement=Enforcement.MANDATORY,
        description="A probe or lifecycle hook must ask its own pod, not a host that it names.",
        remedy="remove host from the httpGet or tcpSocket action",
        source="Pod Security Standards, baseline, host probes and lifecycle hooks (since 1.34)",
        url=f"{STANDARDS}#baseline",
        limitations="What a probe's command asks.",
        check=each_container(_handlers),
        tags=("pod-security", "pss-baseline", "network"),
    ),
)
