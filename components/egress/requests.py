"""What the pods of the egress path request of their node.

Figures are from the audit of 13 October 2025, section 2, "Exit Node Resources" and "Worker
Resources".
"""

# Millicores and mebibytes.
_ENVOY = (50, 96)
_TAILSCALE = (50, 100)


def _requests(cpu: int, memory: int) -> dict[str, str]:
    return {"cpu": f"{cpu}m", "memory": f"{memory}Mi"}


ENVOY_REQUESTS = _requests(*_ENVOY)
TAILSCALE_REQUESTS = _requests(*_TAILSCALE)


def gateway_requests(exit_nodes: int) -> dict[str, str]:
    """What a gateway's pod requests: Envoy, and a tailscaled for each of so many exit nodes."""
    cpu, memory = (e + exit_nodes * t for e, t in zip(_ENVOY, _TAILSCALE, strict=True))
    return _requests(cpu, memory)
