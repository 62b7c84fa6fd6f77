"""The document that tells the gate's program what to measure, and which answer is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from components._gateway_pod import HTTP_PORT, SOCKS5_PORT
from components._tailscale_pod import HEALTH_PORT

_ATTEMPT_SECONDS = 5
# A gateway that has just become ready may need a moment; what is wrong stays wrong.
_SETTLE_SHARE = 0.5
_LONGEST_SETTLE_SECONDS = 60
_TLS_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, kw_only=True)
class MeasuredDestination:
    """A destination as the gate asks it: `protocol` is `tcp`, `postgres` or `s3`.

    A `transparent` one is not tried directly by its name, which leads to the gateway itself.
    """

    name: str
    host: str
    port: int
    local_port: int
    protocol: str
    transparent: bool


def document(
    *,
    gateway: str,
    destinations: Sequence[MeasuredDestination],
    expected: Sequence[str],
    echo_url: str,
    peers: Sequence[str],
    api_server: str,
    ca_file: str,
    seconds: int,
) -> dict[str, Any]:
    """The program's input; `components/programs/egress_check/probes.py` has the fields."""
    echo = urlsplit(echo_url)
    echo_address = f"{echo.hostname}:{echo.port or _TLS_PORTS[echo.scheme]}"
    direct = [("echo", echo_address)] + [
        (each.name, f"{each.host}:{each.port}") for each in destinations if not each.transparent
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
                    "url": echo_url,
                    "expected": list(expected),
                }
                for name, proxy in (
                    ("egress-address", f"{gateway}:{HTTP_PORT}"),
                    ("egress-address-socks5", f"socks5://{gateway}:{SOCKS5_PORT}"),
                )
            ),
            *(check for each in destinations for check in _destination(each, gateway)),
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


def _destination(destination: MeasuredDestination, gateway: str) -> list[dict[str, Any]]:
    check = {"name": destination.name, "kind": destination.protocol}
    local = {"address": f"{gateway}:{destination.local_port}"}
    if destination.protocol != "tcp":
        return [check | local | ({"host": destination.host} if check["kind"] == "s3" else {})]
    # Nothing is said on a bare connection, and the gateway accepts before the far end has: the
    # general proxy answers for the far end, and the destination's own port must stay open.
    far = f"{destination.host}:{destination.port}"
    return [
        check | {"proxy": f"{gateway}:{HTTP_PORT}", "address": far},
        {"name": f"{destination.name}-port", "kind": "open"} | local,
    ]
