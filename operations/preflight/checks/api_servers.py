"""Whether pods may reach every API server: the settings' list against the cluster's own endpoints.

Each API server writes its address and port into the endpoints of the Service `kubernetes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from operations.errors import UnavailableError
from operations.kubernetes.client import Document
from operations.preflight.finding import PreflightFinding, fail, listed, ok, warn
from operations.preflight.view import Kind, View
from settings import Endpoint, Settings, with_api_servers

_WHERE = "default/kubernetes"
_GIVE = "name every API server in cluster.apiServer, such as [203.0.113.10:6443]"
# A third type, FQDN, is none that a NetworkPolicy can name.
_ADDRESSES = ("IPv4", "IPv6")


def admitted(settings: Settings, cluster: View) -> tuple[str, ...] | None:
    """The API servers that NetworkPolicies are to admit, such as `203.0.113.10:6443`, in order.

    Those of the settings; where these name none, the cluster's own; None where they are unknown.
    """
    if settings.cluster.api_server is not None:
        return tuple(map(str, settings.cluster.api_server))
    try:
        own = tuple(map(str, _endpoints(cluster)))
        # What breaks a rule of the settings is none either; the check says which.
        with_api_servers(settings, own)
    except (UnavailableError, ValueError):
        return None
    return own


def check(settings: Settings, cluster: View) -> Iterator[PreflightFinding]:
    """A finding for each API server that is in one of the two only, and one for all others."""
    given = settings.cluster.api_server
    try:
        own = _endpoints(cluster)
    except UnavailableError as error:
        remedy = "grant list on endpointslices in the namespace default"
        remedy += f", or {_GIVE}" if given is None else ""
        raise UnavailableError(str(error), remedy) from None
    if given is None:
        yield _taken(settings, own)
        return
    if not own:
        what = "no endpoint is ready, so that cluster.apiServer cannot be compared"
        yield warn(_WHERE, what, "see to it that every API server is in that list")
        return
    for server in own:
        if server not in given:
            yield fail(
                f"API server {server}",
                f"an endpoint of {_WHERE} that cluster.apiServer does not name: NetworkPolicies "
                "deny it",
                "add it there, or remove cluster.apiServer: the cluster's own endpoints are then "
                "taken",
            )
    for server in given:
        if server not in own:
            yield warn(
                f"API server {server}",
                f"cluster.apiServer names it, and {_WHERE} has no such endpoint",
                "remove it there, unless it is a load balancer or a server that is away for now",
            )
    both = [str(server) for server in own if server in given]
    if both:
        yield ok(
            f"API servers {listed(both)}", f"endpoints of {_WHERE} that cluster.apiServer names"
        )


def _taken(settings: Settings, own: list[Endpoint]) -> PreflightFinding:
    if not own:
        what = "no endpoint is ready, and cluster.apiServer is not given"
        return fail(_WHERE, what, _GIVE)
    names = [str(server) for server in own]
    try:
        with_api_servers(settings, names)
    except ValueError as error:
        first, *_ = str(error).splitlines()
        what = f"its endpoints {listed(names)} break a rule of the settings: {first}"
        return fail(_WHERE, what, "correct that setting")
    what = f"taken from the endpoints of {_WHERE}: cluster.apiServer is not given"
    return ok(f"API servers {listed(names)}", what)


def _endpoints(cluster: View) -> list[Endpoint]:
    """Address and port of every ready endpoint, each once, in order; raises UnavailableError."""
    servers = {
        server
        for slice_ in cluster.items(Kind.API_SERVERS)
        if slice_.get("addressType") in _ADDRESSES
        for server in _of_slice(slice_)
    }
    return sorted(servers, key=lambda server: server.order)


def _of_slice(slice_: Document) -> Iterator[Endpoint]:
    ports = [port["port"] for port in slice_.get("ports") or [] if _is_tcp(port)]
    for endpoint in slice_.get("endpoints") or []:
        # Kubernetes' API reference: one without the condition counts as ready.
        if (endpoint.get("conditions") or {}).get("ready") is False:
            continue
        for address in map(ip_address, endpoint["addresses"]):
            yield from (Endpoint(address=address, port=port) for port in ports)


def _is_tcp(port: Document) -> bool:
    return port.get("protocol") in (None, "TCP") and port.get("port") is not None
