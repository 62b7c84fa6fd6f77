"""What Envoy's listeners send to: the tailscaleds in the gateway's pod, by priority and health."""

from typing import Any

from .envoy_gateway import ExitNodeProxy, Gateway

# Envoy's configuration has as many shapes as it has messages; `--mode validate` is its type check.
Json = dict[str, Any]

EGRESS = "egress"
SOCKS5 = "egress-socks5"
ADMIN = "admin"
LOOPBACK = "127.0.0.1"
# Per connection and direction; Envoy's advice for an edge (best practices, "edge proxying").
BUFFER_BYTES = 32768
# Where a tunnel passes through Envoy's own memory, the same bytes wait a second time.
INTERNAL_BUFFER_BYTES = 16384
FAILURES_TO_EJECT = 2
# In a row. One is no reason to end sessions; three take 5 s, and an exit node that is restarted can
# be back by then, without any of its connections.
_FAILED_CHECKS = 2
_END_SESSIONS = {"close_connections_on_host_health_failure": True}


def internal_name(exit_node: ExitNodeProxy) -> str:
    """The name of an exit node's internal listener, and of the cluster behind it."""
    return f"exit-node-{exit_node.name}"


def http_cluster(gateway: Gateway) -> Json:
    """The exit nodes' internal listeners, which speak HTTP with their tailscaleds.

    Without outlier detection: Envoy counts a CONNECT that tailscaled answers with an error, because
    the *destination* is down, as if tailscaled itself were (seen with v1.40), so that one dead
    destination would take the exit node from all the others. A dead tailscaled refuses its health
    checks at once, and is left after 1.5 s at most.
    """
    addresses: list[Json] = [
        {"envoy_internal_address": {"server_listener_name": internal_name(exit_node)}}
        for exit_node in gateway.exit_nodes
    ]
    return {
        **_egress_cluster(gateway, EGRESS, _by_priority(gateway, addresses)),
        # Which exit node is healthy, by its name: what tells of a failover.
        "track_cluster_stats": {"per_endpoint_stats": True},
        "per_connection_buffer_limit_bytes": INTERNAL_BUFFER_BYTES,
    }


def internal_cluster(gateway: Gateway, exit_node: ExitNodeProxy) -> Json:
    """One exit node's tailscaled, by TCP: what its internal listener sends to.

    Its health is asked apart from the HTTP cluster's, whose connections Envoy does not end.
    """
    endpoint = _endpoint(exit_node, address(LOOPBACK, exit_node.http_port))
    return {
        **_egress_cluster(
            gateway, internal_name(exit_node), [{"lb_endpoints": [{"endpoint": endpoint}]}]
        ),
        **_END_SESSIONS,
    }


def socks5_cluster(gateway: Gateway) -> Json:
    """The tailscaleds' SOCKS5 ports, where a failure to connect can only be tailscaled's own.

    Its pools are TCP's: the failed checks that turn new connections away end the open ones too.
    """
    addresses = [address(LOOPBACK, exit_node.socks5_port) for exit_node in gateway.exit_nodes]
    return {
        **_egress_cluster(gateway, SOCKS5, _by_priority(gateway, addresses)),
        **_END_SESSIONS,
        "track_cluster_stats": {"per_endpoint_stats": True},
        "outlier_detection": _outlier_detection(),
    }


def _by_priority(gateway: Gateway, addresses: list[Json]) -> list[Json]:
    """The exit nodes at these addresses, one priority each."""
    return [
        {"priority": priority, "lb_endpoints": [{"endpoint": _endpoint(exit_node, at)}]}
        for priority, (exit_node, at) in enumerate(zip(gateway.exit_nodes, addresses, strict=True))
    ]


def _egress_cluster(gateway: Gateway, name: str, endpoints: list[Json]) -> Json:
    """What tailscaleds are reached by: asked for their health through their tunnels."""
    limit = gateway.max_connections
    return {
        **_loopback_cluster(name),
        # tailscaled is in the same pod: it answers at once or not at all.
        "connect_timeout": "1s",
        "common_lb_config": {
            # Panic would send traffic to exit nodes known to be gone.
            "healthy_panic_threshold": {"value": 0},
            # By default the threads learn of a second change within a second only after it.
            "update_merge_window": "0s",
        },
        "health_checks": [_health_check()],
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": limit,
                    "max_pending_requests": limit,
                    "max_requests": limit,
                    "max_retries": limit,
                }
            ]
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config={"http_protocol_options": {"send_fully_qualified_url": True}},
            )
        },
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    }


def _endpoint(exit_node: ExitNodeProxy, at: Json) -> Json:
    return {
        "hostname": exit_node.name,
        "address": at,
        "health_check_config": {
            # Only the HTTP proxy can be asked, for the SOCKS5 port's health too; and by its port,
            # since Envoy's main thread, which asks, reaches no internal listener.
            "address": address(LOOPBACK, exit_node.http_port),
            "hostname": f"{exit_node.tailnet_address}:{exit_node.health_port}",
        },
    }


def _health_check() -> Json:
    """Measured with real tailscaleds: a frozen exit node is left after 3.2 to 3.5 s, and used again
    1.0 to 1.5 s after it thaws; with Envoy's defaults the first took 14 s.

    Two failed checks take 3.5 s at most (1 + 1 + 0.5 + 1).
    """
    return {
        "timeout": "1s",
        "interval": "1s",
        "no_traffic_interval": "1s",
        "no_traffic_healthy_interval": "1s",
        "unhealthy_interval": "0.5s",
        "unhealthy_threshold": _FAILED_CHECKS,
        "healthy_threshold": 1,
        # A kept connection could be answered by a tunnel that takes no new ones.
        "reuse_connection": False,
        "http_health_check": {"path": "/healthz"},
    }


def _outlier_detection() -> Json:
    """Leaves a tailscaled that cannot be connected to sooner than the health check would.

    Nothing but failures to connect is seen there, and two in a row are enough.
    """
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": FAILURES_TO_EJECT,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_local_origin_success_rate": 0,
        "interval": "1s",
        # The next passed health check ends an ejection in any case.
        "base_ejection_time": "5s",
        "max_ejection_time": "30s",
        "max_ejection_percent": 100,
    }


def admin_cluster(port: int) -> Json:
    return {
        **_loopback_cluster(ADMIN),
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": ADMIN,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(LOOPBACK, port)}}]}],
        },
    }


def _loopback_cluster(name: str) -> Json:
    # Static: Envoy resolves nothing, host names travel through the tunnel to the exit node.
    return {"name": name, "type": "STATIC", "per_connection_buffer_limit_bytes": BUFFER_BYTES}


def typed(message: str, **fields: Any) -> Json:  # noqa: ANN401  as many types as there are fields
    return {"@type": f"type.googleapis.com/envoy.extensions.{message}", **fields}


def address(address: str, port: int) -> Json:
    return {"socket_address": {"address": address, "port_value": port}}
