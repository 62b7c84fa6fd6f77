"""Tailscale beside this stack: what an earlier attempt may have left on the nodes.

As far as the API server and the tailnet show it. A tailscaled that runs as a node's own service,
its state in /var/lib/tailscale, its routes and firewall rules are in neither: always said.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

from preflight.kubectl import Kind, View
from preflight.result import Result, UnseenError, Verdict, listed
from preflight.tailnet import Device
from preflight.workload import WORKLOADS, is_ours, pod_template, title
from settings import Settings

CHECK = "tailscale-leftovers"
_NAME = re.compile(r"tailscale|(^|/)ts-|headscale", re.IGNORECASE)
# Tailscale's own addresses: RFC 6598's shared space and a ULA.
_TAILNET = tuple(map(ipaddress.ip_network, ("100.64.0.0/10", "fd7a:115c:a1e0::/48")))
_OUR_TAGS = "tag:oceanid-"
_API_GROUP = "tailscale.com"
_HIDDEN = (
    "a tailscaled of the node's own, /var/lib/tailscale, routes and firewall rules show in no API"
)


_REMEDY_ON_HOST = (
    "deleting it ends it on all nodes at once: remove it with --cascade=orphan and its pods one "
    "node at a time, as docs/runbooks/leaving-host-tailscale.md has it"
)
_REMEDY_IN_PODS = "ask who uses it; when nothing does, delete it"


def check(settings: Settings, cluster: View, devices: Sequence[Device] | None) -> Iterator[Result]:
    """A result for each trace found, and one that says what cannot be seen.

    `devices` is None where the tailnet could not be asked.
    """
    traces = [*_nodes(cluster), *_workloads(cluster), *_secrets(cluster)]
    traces += [*_groups(cluster), *_devices(settings, devices or ())]
    if devices is None:
        what = "not asked for devices under the nodes' names"
        traces.append(Result(check=CHECK, verdict=Verdict.WARN, where="tailnet", what=what))
    yield from traces
    if not traces:
        what = "no trace of another Tailscale"
        yield Result(check=CHECK, verdict=Verdict.OK, where="cluster and tailnet", what=what)
    yield Result(
        check=CHECK,
        verdict=Verdict.NOTE,
        where="nodes",
        what=f"not seen: {_HIDDEN}",
        remedy="on each node: systemctl status tailscaled; ls /var/lib/tailscale; ip rule",
    )


def _nodes(cluster: View) -> Iterator[Result]:
    for node in cluster.items(Kind.NODES):
        metadata = node["metadata"]
        where = f"node {metadata['name']}"
        addresses = [each["address"] for each in node.get("status", {}).get("addresses", [])]
        annotations = metadata.get("annotations") or {}
        inside = [each for each in (*addresses, *annotations.values()) if _in_tailnet(str(each))]
        if inside:
            yield Result(
                check=CHECK,
                verdict=Verdict.FAIL,
                where=where,
                what=f"the cluster reaches it by its tailnet address {inside[0]}: it would lose "
                "its node with that tailscaled",
                remedy="give the kubelet its own address (k3s: --node-ip, --node-external-ip)",
            )
        marks = [key for key in (*annotations, *(metadata.get("labels") or {})) if _is_named(key)]
        if marks:
            yield Result(
                check=CHECK,
                verdict=Verdict.WARN,
                where=where,
                what=f"marked with {listed(sorted(marks))}",
                remedy="find out who sets it; remove it when nothing does",
            )


def _workloads(cluster: View) -> Iterator[Result]:
    for kind in WORKLOADS:
        for workload in cluster.items(kind):
            spec = pod_template(workload).get("spec", {})
            images = [str(each.get("image", "")) for each in spec.get("containers") or []]
            named = _is_named(workload["metadata"]["name"])
            if is_ours(workload) or not (named or any(map(_is_named, images))):
                continue
            on_host = bool(spec.get("hostNetwork"))
            yield Result(
                check=CHECK,
                verdict=Verdict.FAIL if on_host else Verdict.WARN,
                where=title(kind, workload),
                what="a Tailscale that is not this stack's"
                + (" in the nodes' own network: the outage's cause" if on_host else ""),
                remedy=_REMEDY_ON_HOST if on_host else _REMEDY_IN_PODS,
            )


def _secrets(cluster: View) -> Iterator[Result]:
    try:
        secrets = cluster.items(Kind.SECRETS)
    except UnseenError as unseen:
        # Many a CI may not list Secrets, and should not.
        yield Result(check=CHECK, verdict=Verdict.NOTE, where="Secrets", what=str(unseen))
        return
    names = [
        f"{metadata['namespace']}/{metadata['name']}"
        for each in secrets
        if not is_ours(each)
        and (metadata := each["metadata"])
        and (_is_named(metadata["name"]) or any(map(_is_named, metadata["labels"])))
    ]
    if names:
        yield Result(
            check=CHECK,
            verdict=Verdict.WARN,
            where=f"Secret {listed(names)}",
            what="holds a Tailscale state or key that is not this stack's",
            remedy="ask who uses it; when nothing does, delete it and revoke its key on the "
            "tailnet's keys page",
        )


def _groups(cluster: View) -> Iterator[Result]:
    if any(group.get("name") == _API_GROUP for group in cluster.items(Kind.GROUPS)):
        yield Result(
            check=CHECK,
            verdict=Verdict.NOTE,
            where=f"API group {_API_GROUP}",
            what="Tailscale's own operator is, or was, installed",
        )


def _devices(settings: Settings, devices: Sequence[Device]) -> Iterator[Result]:
    ours = {each.hostname for each in settings.exit_nodes}
    nodes = {name for node in settings.nodes for name in (node.name, node.hostname)}
    for device in devices:
        hostname, tags = str(device.get("hostname", "")), device.get("tags") or []
        is_own = hostname in ours or any(str(tag).startswith(_OUR_TAGS) for tag in tags)
        named = next((n for n in nodes if hostname == n or hostname.startswith(f"{n}-")), None)
        if named is not None and not is_own:
            online = "online" if device.get("connectedToControl") else "offline"
            yield Result(
                check=CHECK,
                verdict=Verdict.WARN,
                where=f"device {hostname}",
                what=f"{online} in the tailnet under the name of node {named}: a tailscaled of the "
                "node's own, or what one has left",
                remedy="log in at the node's console or by its own address, not over the tailnet, "
                "and stop it there (tailscale down); then remove the device from the tailnet's "
                "machines page: docs/runbooks/leaving-host-tailscale.md",
            )


def _is_named(text: str) -> bool:
    return _NAME.search(text) is not None


def _in_tailnet(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in _TAILNET if network.version == address.version)
