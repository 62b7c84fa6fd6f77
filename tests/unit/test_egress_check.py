"""The gate's program against real servers: each check passes, fails, and says what it saw."""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from components.egress.gate_message import passed
from tests.unit.check_process import NODE, Outcome, measured
from tests.unit.far_side import (
    Handler,
    closing,
    dripping,
    http_answer,
    http_proxy,
    nobody,
    says,
    serving,
    silent,
    socks5_proxy,
    tls,
)

pytestmark = pytest.mark.slow

_EXIT = "157.173.210.123"
_WORKER = "191.101.1.3"
_STORAGE = "bucket.s3.example"
_WHY_CLOSED = "the destination refused, or no exit node"


@dataclass
class Site:
    """Servers that end with the test, and the gate's program next to them."""

    folder: Path
    open: ExitStack

    def serves(self, handler: Handler) -> str:
        return self.open.enter_context(serving(handler))

    def measured(self, *checks: dict[str, Any], attempt: float = 2) -> Outcome:
        return measured(self.folder, *checks, attempt=attempt)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path, stack)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for the storage and the loopback, as a file and as a server's context."""
    own = trustme.CA()
    public = tmp_path_factory.mktemp("tls") / "ca.pem"
    own.cert_pem.write_to_path(public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.issue_cert(_STORAGE, "127.0.0.1").configure_cert(context)
    return public, context


def _echo(proxy: str) -> dict[str, Any]:
    return {
        "name": "egress-address",
        "kind": "egress-address",
        "proxy": proxy,
        "url": "http://echo.example/ip",
        "expected": [_EXIT],
    }


def test_the_exit_nodes_address_passes(site: Site) -> None:
    proxy = site.serves(http_proxy(site.serves(http_answer(f"{_EXIT}\n"))))
    outcome = site.measured(_echo(proxy))
    assert outcome.code == 0
    line = outcome.checks["egress-address"]
    took = line.pop("milliseconds")
    assert isinstance(took, int)
    measured = f"egress-address saw {_EXIT} in {took} ms"
    assert outcome.message == f"node {NODE}: all 1 checks passed: {measured}"
    assert outcome.message.startswith(passed(NODE))
    assert line == {
        "node": NODE,
        "name": "egress-address",
        "ok": True,
        "target": "http://echo.example/ip",
        "expected": _EXIT,
        "seen": _EXIT,
        "attempts": 1,
    }


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (http_answer(_WORKER), _WORKER),
        (http_answer(""), "no address but ''"),
        (http_answer(f"1{_EXIT}"), f"no address but '1{_EXIT}'"),
        (http_answer(_EXIT, "502 Bad Gateway"), "HTTP 502"),
        (says(b"\x00\xff\r\n" * 9), "bad"),
        (silent, "timed out"),
        (dripping, "no end after 2 s"),
    ],
)
def test_any_other_address_or_answer_fails(site: Site, answer: Handler, seen: str) -> None:
    proxy = site.serves(http_proxy(site.serves(answer)))
    outcome = site.measured(_echo(proxy), attempt=1)
    assert outcome.code == 1
    if seen != "bad":
        line = outcome.checks["egress-address"]
        assert line["seen"] == seen
        seen = f"{seen} in {line['milliseconds']} ms"
        expected = f"egress-address (http://echo.example/ip): expected {_EXIT}, saw {seen}"
        assert outcome.message == f"node {NODE}: 1 of 1 checks failed: {expected}"
    assert outcome.message.isprintable()


@pytest.mark.parametrize("scheme", ["", "socks5://"])
def test_a_destination_that_the_proxy_reaches_passes(site: Site, scheme: str) -> None:
    far = site.serves(silent)
    proxy = scheme + site.serves(socks5_proxy(far) if scheme else http_proxy(far))
    check = {"name": "queue", "kind": "tcp", "proxy": proxy, "address": "queue.example:5672"}
    assert site.measured(check).checks["queue"]["seen"] == "connected"


@pytest.mark.parametrize(
    ("scheme", "handler", "seen"),
    [
        ("", http_answer("", "502 Bad Gateway"), "tunnel connection failed: 502 bad gateway"),
        ("", silent, "timed out"),
        ("socks5://", socks5_proxy("", reply=4), "socks5 proxy: host unreachable"),
        ("socks5://", says(b"HTTP/1.1 400 Bad Request"), "the socks5 proxy wants authentication"),
        ("socks5://", silent, "timed out"),
    ],
)
def test_a_destination_that_the_proxy_does_not_reach_fails(
    site: Site, scheme: str, handler: Handler, seen: str
) -> None:
    proxy = scheme + site.serves(handler)
    check = {"name": "queue", "kind": "tcp", "proxy": proxy, "address": "queue.example:5672"}
    outcome = site.measured(check, attempt=1)
    assert outcome.failing == ["queue"]
    assert seen in outcome.checks["queue"]["seen"]


@pytest.mark.parametrize(
    ("kind", "handler", "ok", "seen"),
    [
        ("open", silent, True, "connected, and stayed so"),
        (
            "open",
            lambda connection: connection.sendall(b"220 ready"),
            True,
            "connected, and was spoken to",
        ),
        # A gateway that accepts for a destination that refuses.
        ("open", closing, False, f"accepted, then closed: {_WHY_CLOSED}"),
        ("open", None, False, "connection refused"),
        ("postgres", says(b"S"), True, "SSLRequest answered S"),
        ("postgres", says(b"N"), True, "SSLRequest answered N"),
        ("postgres", says(b"H"), False, "b'H' in answer to SSLRequest"),
        # Which a reset may overtake.
        ("postgres", closing, False, None),
        ("postgres", silent, False, "timed out"),
        # A direct connection that works is the failure.
        ("refused", silent, False, "connected to 127.0.0.1 directly"),
        ("refused", None, True, "connection refused"),
    ],
)
def test_what_is_at_an_address_is_told(
    site: Site, kind: str, handler: Handler | None, *, ok: bool, seen: str | None
) -> None:
    address = site.serves(handler) if handler else nobody()
    outcome = site.measured({"name": "a", "kind": kind, "address": address}, attempt=1)
    line = outcome.checks["a"]
    assert line["ok"] is ok
    assert seen in (None, line["seen"])
    assert ok or line["seen"] in outcome.message


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden", "301 Moved Permanently"])
def test_any_answer_of_the_storage_under_its_own_name_passes(
    site: Site, authority: tuple[Path, ssl.SSLContext], status: str
) -> None:
    ca, context = authority
    address = site.serves(tls(context, http_answer("", status)))
    check = {"name": "s3", "kind": "s3", "address": address, "host": _STORAGE, "ca": str(ca)}
    outcome = site.measured(check)
    assert outcome.checks["s3"]["seen"] == f"HTTP {status[:3]}"
    assert outcome.code == 0


def test_a_storage_that_cannot_prove_its_name_fails(
    site: Site, authority: tuple[Path, ssl.SSLContext]
) -> None:
    ca, context = authority
    address = site.serves(tls(context, http_answer("")))
    stranger = {"name": "s3", "kind": "s3", "address": address, "host": "other.example"}
    outcome = site.measured({**stranger, "ca": str(ca)})
    assert outcome.failing == ["s3"]
    assert "other.example" in outcome.message


def test_the_cluster_api_passes_with_any_status_and_fails_with_another_authority(
    site: Site, authority: tuple[Path, ssl.SSLContext]
) -> None:
    ca, context = authority
    url = f"https://{site.serves(tls(context, http_answer('', '401 Unauthorized')))}/version"
    check = {"name": "cluster-api", "kind": "https", "url": url, "ca": str(ca)}
    outcome = site.measured(check)
    assert outcome.checks["cluster-api"]["seen"] == "HTTP 401"
    assert outcome.code == 0
    # Python's own default authorities did not sign it.
    outcome = site.measured({**check, "ca": ssl.get_default_verify_paths().cafile or ""})
    assert outcome.failing == ["cluster-api"]


def test_names_pods_and_direct_connections_that_are_not_there(site: Site) -> None:
    outcome = site.measured(
        {"name": "known", "kind": "dns", "host": "localhost"},
        {"name": "unknown", "kind": "dns", "host": "no-such-name.invalid"},
        {"name": "gone", "kind": "pods", "host": "localhost", "port": int(nobody()[10:])},
        {"name": "direct-unknown", "kind": "refused", "address": "no-such-name.invalid:1"},
    )
    assert outcome.checks["known"]["seen"] == "127.0.0.1"
    assert outcome.failing == ["unknown", "gone", "direct-unknown"]
    assert outcome.checks["unknown"]["seen"] == "name not resolved"
    assert outcome.checks["gone"]["seen"] == "127.0.0.1: connection refused"
