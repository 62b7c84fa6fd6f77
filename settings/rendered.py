"""What the components make of names and ports: how much room that leaves for the settings.

No component is imported here; tests/components/test_limits.py derives every number and name of this
file from the objects that the program renders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from settings.fields import refuse

# Kubernetes: the value of a label, and the name of a container, a Service, a Service's port.
LONGEST_LABEL = 63
_HASH_LENGTH = 10

LONGEST_HOSTNAME = LONGEST_LABEL - len("-") - _HASH_LENGTH
LONGEST_EXIT_NODE = LONGEST_LABEL - len("tailscale-")
LONGEST_TRANSPARENT = LONGEST_LABEL - len("to-")
LONGEST_WAVE = LONGEST_LABEL - len("oceanid-check-") - len("-") - _HASH_LENGTH
# Envoy is ready while 1 % of a gateway's exit nodes are healthy, which must mean one of them.
MOST_EXIT_NODES = 100
# Envoy's configuration is a ConfigMap, of 1 MiB at the most, and takes up to 1.4 kB for each.
MOST_DESTINATIONS = 500

# What the pod of an exit node requests, and what a gateway's containers do: Envoy, and a tailscaled
# for each exit node.
EXIT_NODE_REQUESTS = {"cpu": "50m", "memory": "100Mi"}
_ENVOY_REQUESTS = {"cpu": 50, "memory": 96}
_TAILSCALE_REQUESTS = {"cpu": 50, "memory": 100}
_UNITS = {"cpu": "m", "memory": "Mi"}

_GATEWAY_PORTS = {
    3128: "the gateway's HTTP proxy",
    1080: "the gateway's SOCKS5 proxy",
    9000: "Envoy's health and metrics",
    9901: "Envoy's admin API",
}
_FIRST_TAILSCALE_PORTS = {9002: "health endpoint", 11080: "HTTP proxy", 12080: "SOCKS5 proxy"}

_GATE_CHECKS = frozenset({"egress-address-socks5", "cluster-api", "cluster-dns", "echo"})
_PROBES = frozenset({"egress-address"})
_SERVICE_PORTS = frozenset({"http-proxy", "socks5"})
_NAMESPACE_OBJECTS = frozenset(
    {
        "default",
        "deny-all",
        "oceanid-gateway",
        "oceanid-gateway-clients",
        "oceanid-gateway-fence",
        "oceanid-prober",
        "oceanid-prober-gateways",
        "oceanid-scrape-exit-nodes",
        "oceanid-scrape-gateways",
    }
)


def gateway_requests(exit_nodes: int) -> dict[str, str]:
    """What the pod of a gateway with that many exit nodes requests, such as `{"cpu": "100m"}`."""
    return {
        name: f"{envoy + exit_nodes * _TAILSCALE_REQUESTS[name]}{_UNITS[name]}"
        for name, envoy in _ENVOY_REQUESTS.items()
    }


def gateway_ports(exit_nodes: Sequence[str]) -> dict[int, str]:
    """The TCP ports that a gateway's pod needs for itself, each with what listens there."""
    return _GATEWAY_PORTS | {
        first + index: f"the {what} of tailscaled for exit node {name}"
        for first, what in _FIRST_TAILSCALE_PORTS.items()
        for index, name in enumerate(exit_nodes)
    }


def destination_names(others: Iterable[str], hostnames: Iterable[str]) -> Mapping[str, str]:
    """Names that no destination may have beside these `others`, each with what has it."""
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
