"""What the components make of names and ports: how much room that leaves for the settings.

tests/components/test_limits.py derives every limit and name from the objects that are rendered.
"""

from collections.abc import Iterable, Mapping, Sequence

from components.cluster.labels import GATEWAY, LONGEST_LABEL, PROBER
from components.cluster.ports import (
    ADMIN_PORT,
    FIRST_HTTP_PORT,
    FIRST_SOCKS5_PORT,
    HEALTH_PORT,
    HTTP_PORT,
    SOCKS5_PORT,
    STATUS_PORT,
)
from components.values.fields import refuse

_HASH_LENGTH = 10

LONGEST_HOSTNAME = LONGEST_LABEL - len("-") - _HASH_LENGTH
LONGEST_EXIT_NODE = LONGEST_LABEL - len("tailscale-")
LONGEST_TRANSPARENT = LONGEST_LABEL - len("to-")
LONGEST_WAVE = LONGEST_LABEL - len("oceanid-check-") - len("-") - _HASH_LENGTH
# Envoy is ready while 1 % of a gateway's exit nodes are healthy, which must mean one of them.
MOST_EXIT_NODES = 100
# Envoy's configuration is a ConfigMap, of 1 MiB at the most, and takes up to 1.4 kB for each.
MOST_DESTINATIONS = 500

_GATEWAY_PORTS = {
    HTTP_PORT: "the gateway's HTTP proxy",
    SOCKS5_PORT: "the gateway's SOCKS5 proxy",
    STATUS_PORT: "Envoy's health and metrics",
    ADMIN_PORT: "Envoy's admin API",
}
_FIRST_TAILSCALE_PORTS = {
    HEALTH_PORT: "health endpoint",
    FIRST_HTTP_PORT: "HTTP proxy",
    FIRST_SOCKS5_PORT: "SOCKS5 proxy",
}

_GATE_CHECKS = frozenset({"egress-address-socks5", "cluster-api", "cluster-dns", "echo"})
_PROBES = frozenset({"egress-address"})
_SERVICE_PORTS = frozenset({"http-proxy", "socks5"})
_NAMESPACE_OBJECTS = frozenset(
    {
        "default",
        "deny-all",
        GATEWAY,
        f"{GATEWAY}-clients",
        f"{GATEWAY}-fence",
        PROBER,
        f"{PROBER}-gateways",
        "oceanid-scrape-exit-nodes",
        "oceanid-scrape-gateways",
    }
)


def gateway_ports(exit_nodes: Sequence[str]) -> dict[int, str]:
    """The TCP ports that a gateway's pod needs for itself, each with what listens there."""
    return _GATEWAY_PORTS | {
        first + index: f"the {what} of tailscaled for exit node {name}"
        for first, what in _FIRST_TAILSCALE_PORTS.items()
        for index, name in enumerate(exit_nodes)
    }


def destination_names(others: Iterable[str], hostnames: Iterable[str]) -> Mapping[str, str]:
    """Names that no destination may have next to these `others`, each with what has it."""
    gate = {
        *_GATE_CHECKS,
        *(name for other in others for name in (f"direct-{other}", f"{other}-port")),
        *(f"pod-{hostname}" for hostname in hostnames),
    }
    return {
        **dict.fromkeys(gate, "a check of the gate"),
        **dict.fromkeys(_PROBES, "a check of the gate and a probe"),
        **dict.fromkeys(_SERVICE_PORTS, "a port of the gateway's Service"),
    }


def namespace_objects(waves: Iterable[str], transparent: Iterable[str]) -> frozenset[str]:
    """Names of the gateways' namespace that an exit node's objects must not have."""
    return _NAMESPACE_OBJECTS | {
        *(f"oceanid-check-{wave}" for wave in waves),
        *(f"to-{name}" for name in transparent),
    }


def refuse_longer(longest: int, reason: str, *, key: str, value: str) -> None:
    """Refuse a name of more than `longest` characters; `reason` says what becomes of it."""
    if len(value) > longest:
        refuse(
            f"longer than {longest} characters: {reason}, where Kubernetes takes {LONGEST_LABEL}",
            "shorten it",
            key=key,
            value=value,
        )
