"""The prober's modules: how the egress path is asked, as plain data that `json.dumps` takes.

Written for blackbox exporter v0.28 (CONFIGURATION.md of its repository). Every probe goes through
a gateway, in one of two ways.

By the gateways' Service, as an application does, with the HTTP prober and `proxy_url`: that is the
gateway of the prober's own node.

By one gateway's address, whichever node it is on: the TCP prober speaks CONNECT itself, since its
HTTP prober can have one proxy only. tailscaled answers 200 once the far end has taken the
connection, so that 200 is the far end's answer; the gateway's own ports accept before that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from components._egress_checks import MeasuredDestination
from components._labels import PROBER

Json = dict[str, Any]

PORT = 9115
"""Where the prober listens (the exporter's own default)."""

BY_SERVICE = "by-service"
"""Module prefix of the probes through the Service."""
BY_GATEWAY = "by-gateway"
"""Module prefix of the probes of one gateway."""
SEEN = "address"
"""Label of `probe_expect_info` with the address that was seen outside."""

_TIMEOUT = "10s"
_TLS_PORTS = {"https": 443, "http": 80}
# S3 tells a stranger to go away, with one of these: it is there, over TLS with its own certificate.
_S3_ANSWERS = [200, 301, 307, 400, 403, 404, 405]


def prober_address(namespace: str) -> str:
    """`host:port` of the prober's Service."""
    return f"{PROBER}.{namespace}.svc:{PORT}"


def config(
    *,
    gateway: str,
    echo_url: str,
    expected: Sequence[str],
    destinations: Sequence[MeasuredDestination],
    egress_address: str,
) -> Json:
    """The configuration file's document.

    `gateway` is the Service's HTTP proxy, `host:port`; `echo_url` answers with the caller's address
    in plain text, of which one of `expected` is right; `egress_address` names the probes for it.
    """
    modules = {
        f"{BY_SERVICE}-{egress_address}": _http(
            gateway,
            valid_status_codes=[200],
            fail_if_body_not_matches_regexp=[
                rf"^\s*({'|'.join(re.escape(each) for each in expected)})\s*$"
            ],
        ),
        f"{BY_GATEWAY}-{egress_address}": _tcp(_echo(echo_url), server_name=_host(echo_url)),
    }
    for each in destinations:
        if each.protocol == "s3":
            modules[f"{BY_SERVICE}-{each.name}"] = _http(gateway, valid_status_codes=_S3_ANSWERS)
        modules[f"{BY_GATEWAY}-{each.name}"] = _tcp(_connect(f"{each.host}:{each.port}"))
    return {"modules": modules}


def _http(gateway: str, **more: Any) -> Json:  # noqa: ANN401  as many types as there are options
    return {
        "prober": "http",
        "timeout": _TIMEOUT,
        "http": {
            "proxy_url": f"http://{gateway}",
            # Names are the exit node's to resolve; a transparent one leads to the gateway here.
            "skip_resolve_phase_with_proxy": True,
            "follow_redirects": False,
            **more,
        },
    }


def _tcp(dialogue: list[Json], *, server_name: str | None = None) -> Json:
    tcp: Json = {"preferred_ip_protocol": "ip4", "query_response": dialogue}
    if server_name is not None:
        tcp["tls_config"] = {"server_name": server_name}
    return {"prober": "tcp", "timeout": _TIMEOUT, "tcp": tcp}


def _connect(authority: str) -> list[Json]:
    # The prober ends what it sends with a line feed, and reads line by line.
    return [
        {"send": f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r"},
        {"expect": r"^HTTP/1\.[01] 200"},
    ]


def _echo(url: str) -> list[Json]:
    parts = urlsplit(url)
    port = parts.port or _TLS_PORTS[parts.scheme]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # To the blank line: what follows it is the far end's, and its TLS must begin there.
    tunnel = [*_connect(f"{parts.hostname}:{port}"), {"expect": "^$"}]
    if parts.scheme == "https":
        tunnel[-1] = {**tunnel[-1], "starttls": True}
    return [
        *tunnel,
        # HTTP/1.0, so that the answer is in one piece and the connection ends with it.
        {"send": f"GET {path} HTTP/1.0\r\nHost: {parts.hostname}\r\nUser-Agent: oceanid\r\n\r"},
        {"expect": r"^HTTP/1\.[01] 200"},
        {"expect": "^$"},
        {
            "expect": r"^\s*([0-9a-fA-F]*[.:][0-9a-fA-F.:]+)\s*$",
            "labels": [{"name": SEEN, "value": "${1}"}],
        },
    ]


def _host(url: str) -> str:
    return str(urlsplit(url).hostname)
