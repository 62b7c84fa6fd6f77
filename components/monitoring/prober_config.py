"""The prober's modules: how the egress path is asked, as plain data that `json.dumps` takes.

Written for blackbox exporter v0.28 (CONFIGURATION.md of its repository). Every probe goes through
a gateway, in one of two ways.

By the gateways' Service, as an application does, with the HTTP prober and `proxy_url`: that is the
gateway of the prober's own node.

By one gateway's address, whichever node it is on: the TCP prober speaks CONNECT itself, since its
HTTP prober can have one proxy only. tailscaled answers 200 once the far end has taken the
connection, so that 200 is the far end's answer; the gateway's own ports accept before that.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from ..cluster.labels import PROBER
from ..cluster.ports import PROBER_PORT
from ..egress.destination import HttpProbe, Protocol, authority
from ..egress.fleet import EgressTargets
from .alerts import EGRESS_ADDRESS

Json = dict[str, Any]

BY_SERVICE = "by-service"
"""Module prefix of the probes through the Service."""
BY_GATEWAY = "by-gateway"
"""Module prefix of the probes of one gateway."""
SEEN = "address"
"""Label of `probe_expect_info` with the address that was seen outside."""

_TIMEOUT = "10s"
# The statuses that show that a destination works; without a probe of its own, the exporter's 2xx.
# S3 turns a stranger away with one of these, over TLS with S3's own certificate.
_STATUSES = {HttpProbe.S3: [200, 301, 307, 400, 403, 404, 405]}


def prober_address(namespace: str) -> str:
    return f"{PROBER}.{namespace}.svc:{PROBER_PORT}"


def config(gateway: str, targets: EgressTargets) -> Json:
    """The configuration file's document; `gateway` is the Service's HTTP proxy, `host:port`."""
    addresses = "|".join(re.escape(address) for address in targets.egress_addresses)
    modules = {
        f"{BY_SERVICE}-{EGRESS_ADDRESS}": _http(
            gateway,
            valid_status_codes=[200],
            fail_if_body_not_matches_regexp=[rf"^\s*({addresses})\s*$"],
        ),
        f"{BY_GATEWAY}-{EGRESS_ADDRESS}": _egress_ip(targets.egress_ip_url),
    }
    for destination in targets.destinations:
        if destination.protocol is Protocol.HTTPS:
            statuses = _STATUSES[destination.probe] if destination.probe else []
            modules[f"{BY_SERVICE}-{destination.name}"] = _http(
                gateway, valid_status_codes=statuses
            )
        modules[f"{BY_GATEWAY}-{destination.name}"] = _tcp(_connect(destination.authority))
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


def _tcp(dialogue: list[Json], **more: Json) -> Json:
    tcp: Json = {"preferred_ip_protocol": "ip4", "query_response": dialogue, **more}
    return {"prober": "tcp", "timeout": _TIMEOUT, "tcp": tcp}


def _connect(authority: str) -> list[Json]:
    # The prober ends what it sends with a line feed, and reads line by line.
    return [
        {"send": f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r"},
        {"expect": r"^HTTP/1\.[01] 200"},
    ]


def _egress_ip(url: str) -> Json:
    parts = urlsplit(url)
    host = str(parts.hostname)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # To the blank line: what follows it is the far end's, and its TLS must begin there.
    tunnel = [*_connect(authority(url)), {"expect": "^$"}]
    if parts.scheme == "https":
        tunnel[-1] = {**tunnel[-1], "starttls": True}
    dialogue = [
        *tunnel,
        # HTTP/1.0, so that the answer is in one piece and the connection ends with it.
        {"send": f"GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: oceanid\r\n\r"},
        {"expect": r"^HTTP/1\.[01] 200"},
        {"expect": "^$"},
        {
            "expect": r"^\s*([0-9a-fA-F]*[.:][0-9a-fA-F.:]+)\s*$",
            "labels": [{"name": SEEN, "value": "${1}"}],
        },
    ]
    return _tcp(dialogue, tls_config={"server_name": host})
