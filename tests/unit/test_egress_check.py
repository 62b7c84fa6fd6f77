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


def _echo(proxy: str, url: str = "http://echo.example/ip", **more: Any) -> dict[str, Any]:
    return {
        "name": "egress-address",
        "kind": "egress-address",
        "proxy": proxy,
        "url": url,
        "expected": [_EXIT],
        **more,
    }


@pytest.mark.parametrize("scheme", ["", "socks5://"])
def test_the_exit_nodes_address_passes(site: Site, scheme: str) -> None:
    echo = site.serves(http_answer(f"{_EXIT}\n"))
    proxy = site.serves(socks5_proxy(echo) if scheme else http_proxy(echo))
    outcome = site.measured(_echo(scheme + proxy))
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


@pytest.mark.parametrize("scheme", ["", "socks5://"])
def test_the_address_is_asked_for_by_tls_too(
    site: Site, authority: tuple[Path, ssl.SSLContext], scheme: str
) -> None:
    ca, context = authority
    echo = site.serves(tls(context, http_answer(_EXIT)))
    proxy = site.serves(socks5_proxy(echo) if scheme else http_proxy(echo))
    check = _echo(scheme + proxy, f"https://{_STORAGE}/ip", ca=str(ca))
    assert site.measured(check).code == 0


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


def test_a_destination_that_keeps_the_connection_passes(site: Site) -> None:
    speaks_first = site.serves(lambda connection: connection.sendall(b"220 ready"))
    outcome = site.measured(
        {"name": "quiet", "kind": "open", "address": site.serves(silent)},
        {"name": "speaks-first", "kind": "open", "address": speaks_first},
        attempt=1,
    )
    assert outcome.failing == []


def test_a_gateway_that_accepts_for_a_destination_that_refuses_fails(site: Site) -> None:
    outcome = site.measured(
        {"name": "closed", "kind": "open", "address": site.serves(closing)},
        {"name": "nobody", "kind": "open", "address": nobody()},
    )
    assert outcome.failing == ["closed", "nobody"]
    assert "accepted, then closed" in outcome.message
    assert outcome.checks["nobody"]["seen"] == "connection refused"


@pytest.mark.parametrize(
    ("handler", "ok", "seen"),
    [
        (says(b"S"), True, "SSLRequest answered S"),
        (says(b"N"), True, "SSLRequest answered N"),
        (says(b"H"), False, "b'H' in answer to SSLRequest"),
        (closing, False, "closed without an answer to SSLRequest"),
        (silent, False, "timed out"),
    ],
)
def test_only_postgres_answers_as_postgres(
    site: Site, handler: Handler, *, ok: bool, seen: str
) -> None:
    check = {"name": "database", "kind": "postgres", "address": site.serves(handler)}
    outcome = site.measured(check, attempt=1)
    assert outcome.checks["database"]["ok"] is ok
    if handler is not closing:  # which a reset may overtake
        assert outcome.checks["database"]["seen"] == seen


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


def test_names_resolve_or_not(site: Site) -> None:
    outcome = site.measured(
        {"name": "known", "kind": "dns", "host": "localhost"},
        {"name": "unknown", "kind": "dns", "host": "no-such-name.invalid"},
    )
    assert outcome.checks["known"]["seen"] == "127.0.0.1"
    assert outcome.failing == ["unknown"]
    assert outcome.checks["unknown"]["seen"] == "name not resolved"


def test_a_pod_answers_or_not(site: Site) -> None:
    port = int(site.serves(silent).rpartition(":")[2])
    outcome = site.measured(
        {"name": "there", "kind": "pods", "host": "localhost", "port": port},
        {"name": "gone", "kind": "pods", "host": "localhost", "port": int(nobody()[10:])},
    )
    assert outcome.failing == ["gone"]
    assert outcome.checks["gone"]["seen"] == "127.0.0.1: connection refused"


def test_a_direct_connection_that_works_is_the_failure(site: Site) -> None:
    open_address = site.serves(silent)
    outcome = site.measured(
        {"name": "direct-leak", "kind": "refused", "address": open_address},
        {"name": "direct-denied", "kind": "refused", "address": nobody()},
        {"name": "direct-unknown", "kind": "refused", "address": "no-such-name.invalid:1"},
    )
    assert outcome.failing == ["direct-leak", "direct-unknown"]
    assert outcome.checks["direct-leak"]["seen"] == "connected to 127.0.0.1 directly"
    assert outcome.checks["direct-denied"]["seen"] == "connection refused"
