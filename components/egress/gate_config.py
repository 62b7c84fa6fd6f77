"""The document that tells the gate's program what to measure, and which answer is right."""

from collections.abc import Sequence
from typing import Any

from ..cluster.ports import HEALTH_PORT, HTTP_PORT, SOCKS5_PORT
from .destination import Destination, Protocol, authority
from .fleet import EgressTargets

_ATTEMPT_SECONDS = 5
# A gateway that has just become ready may need a moment; what is wrong stays wrong.
_SETTLE_SHARE = 0.5
_LONGEST_SETTLE_SECONDS = 60
# What the gate's program calls its checks [gate_program/probes.py].
_KINDS = {Protocol.TCP: "tcp", Protocol.POSTGRES: "postgres", Protocol.HTTPS: "s3"}


def document(
    *,
    gateway: str,
    targets: EgressTargets,
    peers: Sequence[str],
    api_server: str,
    ca_file: str,
    seconds: int,
) -> dict[str, Any]:
    """The program's input; `components/egress/gate_program/probes.py` has the fields."""
    direct = [("echo", authority(targets.egress_ip_url))] + [
        (destination.name, destination.authority)
        for destination in targets.destinations
        if not destination.transparent
    ]
    return {
        "attemptSeconds": _ATTEMPT_SECONDS,
        "settleSeconds": min(_LONGEST_SETTLE_SECONDS, int(seconds * _SETTLE_SHARE)),
        "checks": [
            *(
                {
                    "name": name,
                    "kind": "egress-address",
                    "proxy": proxy,
                    "url": targets.egress_ip_url,
                    "expected": list(targets.egress_addresses),
                }
                for name, proxy in (
                    ("egress-address", f"{gateway}:{HTTP_PORT}"),
                    ("egress-address-socks5", f"socks5://{gateway}:{SOCKS5_PORT}"),
                )
            ),
            *(
                check
                for destination in targets.destinations
                for check in _destination(destination, gateway)
            ),
            {"name": "cluster-api", "kind": "https", "url": api_server, "ca": ca_file},
            {"name": "cluster-dns", "kind": "dns", "host": "kubernetes.default.svc"},
            *(
                {"name": f"pod-{peer.partition('.')[0]}", "kind": "pods", "host": peer}
                | {"port": HEALTH_PORT}
                for peer in peers
            ),
            *(
                {"name": f"direct-{name}", "kind": "refused", "address": address}
                for name, address in direct
            ),
        ],
    }


def _destination(destination: Destination, gateway: str) -> list[dict[str, Any]]:
    check = {"name": destination.name, "kind": _KINDS[destination.protocol]}
    local = {"address": f"{gateway}:{destination.local_port}"}
    if destination.protocol is not Protocol.TCP:
        named = {"host": destination.host} if destination.protocol is Protocol.HTTPS else {}
        return [check | local | named]
    # Nothing is said on a bare connection, and the gateway accepts before the far end has: the
    # general proxy answers for the far end, and the destination's own port must stay open.
    return [
        check | {"proxy": f"{gateway}:{HTTP_PORT}", "address": destination.authority},
        {"name": f"{destination.name}-port", "kind": "open"} | local,
    ]
