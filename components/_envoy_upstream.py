"""What Envoy's listeners send to: the tailscaleds in the gateway's pod, by priority and health."""

from __future__ import annotations

from typing import Any

from components._envoy_gateway import ExitNodeProxy, Gateway

# Envoy's configuration has as many shapes as it has messages; `--mode validate` is its type check.
Json = dict[str, Any]

EGRESS = "egress"
SOCKS5 = "egress-socks5"
ADMIN = "admin"
LOOPBACK = "127.0.0.1"
# Per connection and direction; Envoy's advice for an edge (best practices, "edge proxying").
BUFFER_BYTES = 32768
FAILURES_TO_EJECT = 2


def egress_cluster(gateway: Gateway, name: str, ports: list[int]) -> Json:
    """The exit nodes' tailscaleds, one priority each, reached at these ports of theirs."""
    limit = gateway.max_connections
    return {
        **_loopback_cluster(name),
        # tailscaled is in the same pod: it answers at once or not at all.
        "connect_timeout": "1s",
        # Panic would send traffic to exit nodes known to be gone.
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "health_checks": [_health_check()],
        "outlier_detection": _outlier_detection(),
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
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [
                {
                    "priority": priority,
                    "lb_endpoints": [{"endpoint": _endpoint(exit_node, port)}],
                }
                for priority, (exit_node, port) in enumerate(
                    zip(gateway.exit_nodes, ports, strict=True)
                )
            ],
        },
    }


def _endpoint(exit_node: ExitNodeProxy, port: int) -> Json:
    return {
        "hostname": exit_node.name,
        "address": address(LOOPBACK, port),
        "health_check_config": {
            # Only the HTTP proxy can be asked, for the SOCKS5 port's health too.
            "port_value": exit_node.http_port,
            "hostname": f"{exit_node.tailnet_address}:{exit_node.health_port}",
        },
    }


def _health_check() -> Json:
    """Measured with real tailscaleds: a frozen exit node is left after 3.2 to 3.5 s, and used again
    1.0 to 1.5 s after it thaws; with Envoy's defaults the first took 14 s.
    """
    return {
        "timeout": "1s",
        "interval": "1s",
        "no_traffic_interval": "1s",
        "no_traffic_healthy_interval": "1s",
        "unhealthy_interval": "0.5s",
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
        # A kept connection could be answered by a tunnel that takes no new ones.
        "reuse_connection": False,
        "http_health_check": {"path": "/healthz"},
    }


def _outlier_detection() -> Json:
    """Leaves a tailscaled that cannot be connected to at once, sooner than the health check would.

    Only that counts. An error *answer* is most often the destination's doing, and would cost every
    other destination its exit node.
    """
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": FAILURES_TO_EJECT,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_local_origin_success_rate": 0,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "interval": "1s",
        # The next passed health check ends an ejection in any case.
        "base_ejection_time": "5s",
        "max_ejection_time": "30s",
        "max_ejection_percent": 100,
    }


def admin_cluster(port: int) -> Json:
    return {
        **_loopback_cluster(_ADMIN),
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
