"""Tailscale next to this stack: what an earlier attempt may have left on the nodes.

As far as the API server and the tailnet show it. Neither shows a tailscaled that runs as a node's
own service, its state in /var/lib/tailscale, its routes and firewall rules: a note says so.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

from operations.errors import UnavailableError
from operations.kubernetes.objects import annotations_of, labels_of, name_of, status_of
from operations.preflight.finding import PreflightFinding, fail, listed, note, ok, warn
from operations.preflight.tailnet import Device
from operations.preflight.view import Kind, View
from operations.preflight.workload import WORKLOADS, is_ours, pod_spec, title
from settings import Settings

_NAME = re.compile(r"tailscale|(^|/)ts-|headscale", re.IGNORECASE)
# Tailscale's own addresses: RFC 6598's shared space and a ULA.
_TAILNET = tuple(map(ipaddress.ip_network, ("100.64.0.0/10", "fd7a:115c:a1e0::/48")))
_OUR_TAGS = "tag:oceanid-"
_API_GROUP = "tailscale.com"
_HIDDEN = (
    "a tailscaled of the node's own, /var/lib/tailscale, routes and firewall rules show in no API"
)
_GUIDE = "docs/runbooks/leaving-host-tailscale.md"
_REMEDY_ON_HOST = (
    "deleting it ends it on all nodes at once: remove it with --cascade=orphan and its pods one "
    f"node at a time, as {_GUIDE} has it"
)
_REMEDY_IN_PODS = "ask who uses it; when nothing does, delete it"


def check(
    settings: Settings, cluster: View, devices: Sequence[Device] | None
) -> Iterator[PreflightFinding]:
    """A finding for each trace, and one for what no API shows.

    `devices` is None where the tailnet's API is unavailable.
    """
    traces = [*_nodes(cluster), *_workloads(cluster), *_secrets(cluster)]
    traces += [*_groups(cluster), *_devices(settings, devices or ())]
    if devices is None:
        traces.append(warn("tailnet", "not asked for devices under the nodes' names"))
    yield from traces
    if not traces:
        yield ok("cluster and tailnet", "no trace of another Tailscale")
    yield note(
        "nodes",
        f"unknown: {_HIDDEN}",
        "on each node: systemctl status tailscaled; ls /var/lib/tailscale; ip rule",
    )


def _nodes(cluster: View) -> Iterator[PreflightFinding]:
    for node in cluster.items(Kind.NODES):
        where = f"node {name_of(node)}"
        addresses = [entry["address"] for entry in status_of(node).get("addresses", [])]
        inside = list(filter(_in_tailnet, (*addresses, *annotations_of(node).values())))
        if inside:
            yield fail(
                where,
                f"the cluster reaches it by its tailnet address {inside[0]}: it would lose its "
                "node with that tailscaled",
                "give the kubelet its own address (k3s: --node-ip, --node-external-ip)",
            )
        if marks := sorted(filter(_is_named, (*annotations_of(node), *labels_of(node)))):
            remedy = "find out who sets it; remove it when nothing does"
            yield warn(where, f"marked with {listed(marks)}", remedy)


def _workloads(cluster: View) -> Iterator[PreflightFinding]:
    for kind in WORKLOADS:
        for workload in cluster.items(kind):
            spec = pod_spec(workload)
            images = [str(container.get("image", "")) for container in spec.get("containers") or []]
            if is_ours(workload) or not any(map(_is_named, (name_of(workload), *images))):
                continue
            what = "a Tailscale that is not this stack's"
            if spec.get("hostNetwork"):
                what += " in the nodes' own network: the outage's cause"
                yield fail(title(kind, workload), what, _REMEDY_ON_HOST)
            else:
                yield warn(title(kind, workload), what, _REMEDY_IN_PODS)


def _secrets(cluster: View) -> Iterator[PreflightFinding]:
    try:
        secrets = cluster.items(Kind.SECRETS)
    except UnavailableError as error:
        # Many a CI may not list Secrets, and should not.
        yield note("Secrets", str(error))
        return
    names = [
        f"{secret['metadata']['namespace']}/{name_of(secret)}"
        for secret in secrets
        if not is_ours(secret) and any(map(_is_named, (name_of(secret), *labels_of(secret))))
    ]
    if names:
        yield warn(
            f"Secret {listed(names)}",
            "holds a Tailscale state or key that is not this stack's",
            "ask who uses it; when nothing does, delete it and revoke its key on the tailnet's "
            "keys page",
        )


def _groups(cluster: View) -> Iterator[PreflightFinding]:
    if any(group.get("name") == _API_GROUP for group in cluster.items(Kind.GROUPS)):
        what = "Tailscale's own operator is, or was, installed"
        yield note(f"API group {_API_GROUP}", what)


def _devices(settings: Settings, devices: Sequence[Device]) -> Iterator[PreflightFinding]:
    ours = {exit_node.hostname for exit_node in settings.exit_nodes}
    nodes = {name for node in settings.nodes for name in (node.name, node.hostname)}
    for device in devices:
        hostname, tags = str(device.get("hostname", "")), device.get("tags") or []
        is_own = hostname in ours or any(str(tag).startswith(_OUR_TAGS) for tag in tags)
        named = next((n for n in nodes if hostname == n or hostname.startswith(f"{n}-")), None)
        if named is not None and not is_own:
            online = "online" if device.get("connectedToControl") else "offline"
            yield warn(
                f"device {hostname}",
                f"{online} in the tailnet under the name of node {named}: a tailscaled of the "
                "node's own, or what one has left",
                "log in at the node's console or by its own address, not over the tailnet, and "
                "stop it there (tailscale down); then remove the device from the tailnet's "
                f"machines page: {_GUIDE}",
            )


def _is_named(text: str) -> bool:
    return _NAME.search(text) is not None


def _in_tailnet(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in _TAILNET if network.version == address.version)
