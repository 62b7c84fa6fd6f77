"""Envoy's bootstrap for a worker's gateway, as plain data that `json.dumps` takes.

Written for Envoy v1.40 and its v3 API; field names are those of its protobuf messages in JSON.

The path: a listener, a tunnel by HTTP CONNECT, a tailscaled in the same pod, its exit node. The
exit nodes are the endpoints of one cluster, a priority each, so that the first healthy one in
order of preference takes every new connection; `envoy_exit_node` says how the open ones end.

Health is asked *through* each tunnel: `send_fully_qualified_url` makes Envoy write the absolute
form that a proxy needs (`GET http://<exit node's address>:9002/healthz`), with the endpoint's own
health check host name in it, so one cluster can ask each exit node at its own address. That an exit
node answers does not prove that it is approved: the pod's readiness and its NetworkPolicy do that.

A client that shuts down only its sending side gets no answer through a CONNECT tunnel: Envoy ends
an HTTP/1 tunnel whole. PostgreSQL's and TLS clients do not do so; through the SOCKS5 port it works.
"""

from typing import Any

from .destination import Destination
from .envoy_exit_node import internal_listener, internal_listeners_extension
from .envoy_gateway import Gateway
from .envoy_upstream import (
    ADMIN,
    BUFFER_BYTES,
    EGRESS,
    LOOPBACK,
    SOCKS5,
    Json,
    address,
    admin_cluster,
    http_cluster,
    internal_cluster,
    socks5_cluster,
    typed,
)

READY_PATH = "/ready"
"""200 while at least one exit node answers through its tunnel, else 503."""
ALIVE_PATH = "/alive"
"""200 while Envoy serves requests, whatever becomes of the exit nodes."""
STATS_PATH = "/stats/prometheus"

# Hot restart shares memory under names that a second Envoy on the node would meet; pods replace it.
ARGUMENTS = ("--disable-hot-restart", "--concurrency", "2", "--log-level", "warning")
"""Envoy's command line, next to `--config-path`."""

# A database connection in a pool may idle for two hours and must live on (Envoy's default is one
# hour). A day is well over that, and still frees in time what an application forgot.
_IDLE = "86400s"
# A plain HTTP exchange that moves nothing for so long is dead.
_HTTP_IDLE = "300s"
# So that the connections of a client that is gone without a word end in 2 minutes (60 + 4 x 15),
# not in a day. No TCP_USER_TIMEOUT: Linux (6.18) ends by it also a client that lives and does not
# read for so long, as one does that takes its time over the rows of a large result.
_KEEPALIVE = {"keepalive_time": 60, "keepalive_interval": 15, "keepalive_probes": 4}
# Spread over more than the 1.5 s, most often, that it takes to see that a tailscaled died, so that
# the last attempt goes to the next exit node. A destination's refusal takes 4 s at most.
_CONNECT_ATTEMPTS = 5
_BACKOFF = {"base_interval": "0.5s", "max_interval": "1s"}
# What may be asked twice (RFC 9110, section 9.2.2).
_IDEMPOTENT = {
    "name": ":method",
    "string_match": {
        "safe_regex": {"regex": "GET|HEAD|OPTIONS|TRACE|PUT|DELETE"},
    },
}

_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  the pod's own network; a NetworkPolicy says who may come
# What may be asked of the admin port: metrics, and what a roll-out needs to drain. Nothing that
# ends or reconfigures Envoy, since a pod's loopback is shared with the proxies in it.
_ADMIN_PATHS = (STATS_PATH, "/drain_listeners", "/healthcheck/fail")


def bootstrap(gateway: Gateway) -> Json:
    """The bootstrap document of one gateway; the same gateway gives the same document."""
    return {
        "admin": {
            "address": address(LOOPBACK, gateway.admin_port),
            "allow_paths": [{"prefix": path} for path in _ADMIN_PATHS],
            # At the limit one must still be able to look and to drain.
            "ignore_global_conn_limit": True,
        },
        "bootstrap_extensions": [internal_listeners_extension()],
        "static_resources": {
            "listeners": [
                *(_destination_listener(destination) for destination in gateway.destinations),
                _http_listener(gateway.http_port),
                _socks5_listener(gateway.socks5_port),
                _status_listener(gateway.status_port),
                *(
                    internal_listener(exit_node, idle_timeout=_IDLE)
                    for exit_node in gateway.exit_nodes
                ),
            ],
            "clusters": [
                http_cluster(gateway),
                socks5_cluster(gateway),
                admin_cluster(gateway.admin_port),
                *(internal_cluster(gateway, exit_node) for exit_node in gateway.exit_nodes),
            ],
        },
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": typed(
                        "resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                        max_active_downstream_connections=gateway.max_connections,
                    ),
                }
            ]
        },
    }


def _destination_listener(destination: Destination) -> Json:
    return _tcp_listener(
        f"destination-{destination.name}",
        destination.local_port,
        cluster=EGRESS,
        tunneling_config={"hostname": destination.authority},
    )


def _socks5_listener(port: int) -> Json:
    # tailscaled speaks SOCKS5 itself: its bytes pass as they are.
    return _tcp_listener("socks5", port, cluster=SOCKS5)


def _tcp_listener(name: str, port: int, *, cluster: str, **more: Json) -> Json:
    proxy = typed(
        "filters.network.tcp_proxy.v3.TcpProxy",
        stat_prefix=name,
        cluster=cluster,
        idle_timeout=_IDLE,
        max_connect_attempts=_CONNECT_ATTEMPTS,
        backoff_options=_BACKOFF,
        **more,
    )
    return _listener(name, port, {"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy})


def _http_listener(port: int) -> Json:
    """The general proxy: CONNECT for everything, and absolute-form requests for plain HTTP."""
    # An answer of tailscaled's, be it an error, is the answer: only its absence is tried again. A
    # tailscaled that cannot be connected to is a reset here, since the internal listener can be.
    retries = {
        "retry_on": "reset",
        "num_retries": _CONNECT_ATTEMPTS - 1,
        "retry_back_off": _BACKOFF,
    }
    http = _route(EGRESS, timeout="0s", idle_timeout=_HTTP_IDLE)
    routes = [
        {
            "match": {"connect_matcher": {}},
            # No time limit for the whole: a tunnel lives as long as it is used.
            "route": _route(EGRESS, timeout="0s", idle_timeout=_IDLE, retry_policy=retries),
        },
        {
            "match": {"prefix": "/", "headers": [_IDEMPOTENT]},
            "route": http | {"retry_policy": retries},
        },
        # A request that may have acted is not sent twice.
        {"match": {"prefix": "/"}, "route": http},
    ]
    manager = _http_manager(
        "http-proxy",
        routes,
        filters=[],
        upgrade_configs=[{"upgrade_type": "CONNECT"}],
        stream_idle_timeout=_IDLE,
        common_http_protocol_options={"idle_timeout": _HTTP_IDLE},
        # Python up to 3.11 sends CONNECT as HTTP/1.0, the gate's own program among its programs.
        http_protocol_options={"accept_http_10": True},
    )
    return _listener("http-proxy", port, manager)


def _status_listener(port: int) -> Json:
    """Readiness, liveness and metrics for the cluster, and nothing else of the admin API."""
    ready = typed(
        "filters.http.health_check.v3.HealthCheck",
        pass_through_mode=False,
        headers=[{"name": ":path", "string_match": {"exact": READY_PATH}}],
        # One endpoint of up to a hundred: any healthy exit node is enough.
        cluster_min_healthy_percentages={EGRESS: {"value": 1.0}},
    )
    only_reading = [{"name": ":method", "string_match": {"exact": "GET"}}]
    routes: list[Json] = [
        {"match": {"path": ALIVE_PATH}, "direct_response": {"status": 200}},
        {
            "match": {"path": STATS_PATH, "headers": only_reading},
            "route": _route(ADMIN, timeout="5s"),
        },
    ]
    manager = _http_manager(
        "status",
        routes,
        filters=[{"name": "envoy.filters.http.health_check", "typed_config": ready}],
        stream_idle_timeout="10s",
        common_http_protocol_options={"idle_timeout": "60s"},
    )
    # A full gateway is not a dead one: the kubelet's probes do not count, nor are they refused.
    return _listener("status", port, manager) | {"ignore_global_conn_limit": True}


def _http_manager(name: str, routes: list[Json], *, filters: list[Json], **more: Any) -> Json:  # noqa: ANN401
    router = typed(
        "filters.http.router.v3.Router",
        # What goes to other people's servers tells them nothing of ours.
        suppress_envoy_headers=True,
    )
    manager = typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=name,
        codec_type="HTTP1",
        generate_request_id=False,
        server_header_transformation="PASS_THROUGH",
        request_headers_timeout="10s",
        route_config={
            "name": name,
            "virtual_hosts": [{"name": name, "domains": ["*"], "routes": routes}],
            "request_headers_to_remove": ["x-forwarded-proto"],
        },
        http_filters=[*filters, {"name": "envoy.filters.http.router", "typed_config": router}],
        **more,
    )
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}


def _listener(name: str, port: int, network_filter: Json) -> Json:
    return {
        "name": name,
        "address": address(_EVERY_ADDRESS, port),
        "tcp_keepalive": _KEEPALIVE,
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "filter_chains": [{"filters": [network_filter]}],
    }


def _route(cluster: str, **more: str | Json) -> Json:
    return {"cluster": cluster, **more}


def drain_script(admin_port: int) -> str:
    """A bash script that starts a graceful drain and prints Envoy's answer.

    New connections go on to be taken while the cluster still sends them, open ones live until the
    container ends. Envoy's image has bash and no HTTP client, and the admin port wants a POST and,
    as all of Envoy, HTTP/1.1: an HTTP/1.0 request is answered 426 and drains nothing.
    """
    request = (
        "POST /drain_listeners?graceful HTTP/1.1\\r\\n"
        "Host: envoy\\r\\n"
        "Content-Length: 0\\r\\n"
        "Connection: close\\r\\n\\r\\n"
    )
    return f"exec 3<>/dev/tcp/{LOOPBACK}/{admin_port}; printf '{request}' >&3; cat <&3"
