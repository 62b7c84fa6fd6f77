"""A way through Envoy's own memory for each exit node, so that its tunnels end when it fails.

When an endpoint fails its health checks, Envoy v1.40 ends the connections of its TCP pools and of
no others. A tunnel by HTTP CONNECT is a stream of an HTTP pool: it would stay open, and its client
would wait for an answer for hours.

So the endpoints of the HTTP cluster are internal listeners, one for each exit node. They are memory
and not sockets: no port, no system call, and they do not count for the limit of connections. Behind
each is a TCP pool to the exit node's tailscaled, with the same health check. When that fails, the
TCP connection ends, and with it the tunnel and the client's connection.
"""

from .envoy_gateway import ExitNodeProxy
from .envoy_upstream import INTERNAL_BUFFER_BYTES, Json, internal_name, typed


def internal_listeners_extension() -> Json:
    """The bootstrap extension without which Envoy has no internal listeners."""
    return {
        "name": "envoy.bootstrap.internal_listener",
        "typed_config": typed(
            "bootstrap.internal_listener.v3.InternalListener",
            buffer_size_kb=INTERNAL_BUFFER_BYTES // 1024,
        ),
    }


def internal_listener(exit_node: ExitNodeProxy, *, idle_timeout: str) -> Json:
    """What the HTTP cluster has for this exit node's endpoint; `idle_timeout` as Envoy writes it.

    Without further attempts: another one goes to the next exit node, and the listener in front
    makes it.
    """
    name = internal_name(exit_node)
    proxy = typed(
        "filters.network.tcp_proxy.v3.TcpProxy",
        stat_prefix=name,
        cluster=name,
        idle_timeout=idle_timeout,
    )
    return {
        "name": name,
        "internal_listener": {},
        "per_connection_buffer_limit_bytes": INTERNAL_BUFFER_BYTES,
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}
        ],
    }
