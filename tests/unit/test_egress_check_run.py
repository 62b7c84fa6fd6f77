"""How the gate's program runs: documents refused, checks settled, words kept within bounds."""

import contextlib
import importlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.check_process import NODE, PROGRAM, judged, measured
from tests.unit.far_side import nobody, serving, silent

pytestmark = pytest.mark.slow

_OPEN = {"name": "a", "kind": "open", "address": "127.0.0.1:1"}
_ECHO = {"name": "a", "kind": "egress-address", "proxy": "g:1", "url": "http://e/", "expected": []}


def _document(*checks: object, **more: object) -> str:
    whole = {"settleSeconds": 1, "attemptSeconds": 1, "checks": list(checks), **more}
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("{", "Expecting property name"),
        ("[]", "it is not a JSON object"),
        (_document(), "checks must be a list that names at least one check"),
        (_document(_OPEN, settleSeconds="1"), "settleSeconds must be a number above 0"),
        (_document(_OPEN, attemptSeconds=0), "attemptSeconds must be a number above 0"),
        (_document("open"), "checks[0] is not a JSON object"),
        (_document({"kind": "open"}), "checks[0] has no name"),
        (_document({**_OPEN, "kind": "ping"}), "check a: kind 'ping' is none of dns, "),
        (_document({**_OPEN, "kind": ["open"]}), "check a: kind ['open'] is none of dns, "),
        (_document({"name": "a", "kind": "open"}), "check a: address is missing"),
        (_document({**_OPEN, "address": "db"}), "check a: address: 'db' is not host:port"),
        (_document({**_OPEN, "address": "db:0"}), "check a: address: 'db:0' is not host:port"),
        (_document({**_OPEN, "address": 5}), "check a: address: "),
        (_document(_OPEN, _OPEN), "check a: the name is given twice"),
        (_document(_ECHO), "check a: expected: must be a list of addresses"),
        (_document({**_ECHO, "expected": "1.2.3.4"}), "check a: expected: must be a list"),
        (_document({**_ECHO, "expected": ["x"]}), "check a: expected: 'x' does not appear"),
        (_document({**_ECHO, "url": "ftp://e/"}), "check a: url: 'ftp://e/' is no http"),
        (_document({**_ECHO, "proxy": "g"}), "check a: proxy: 'g' is not host:port"),
    ],
)
def test_a_wrong_document_is_refused_in_one_line_before_anything_is_measured(
    tmp_path: Path, document: str, complaint: str
) -> None:
    outcome = judged(tmp_path, document)
    assert outcome.code == 2
    assert outcome.checks == {}
    assert complaint in outcome.message
    assert outcome.errors == f"{outcome.message}\n"


@pytest.mark.parametrize(
    ("runs_on", "named"),
    [("tethys", "tethys"), ("", "a node that did not give its name"), (None, "a node that did")],
)
def test_a_check_that_runs_on_another_node_than_its_own_fails_and_measures_nothing(
    tmp_path: Path, runs_on: str | None, named: str
) -> None:
    with serving(silent) as address:
        document = _document({"name": "a", "kind": "open", "address": address})
        outcome = judged(tmp_path, document, runs_on=runs_on)
    assert (outcome.code, outcome.checks) == (1, {})
    assert outcome.message.startswith(f"node {NODE}: not measured: its check ran on {named}")


def test_a_check_that_comes_good_while_it_settles_passes(tmp_path: Path) -> None:
    connections = []

    def third_time(connection: socket.socket) -> None:
        connections.append(connection)
        if len(connections) > 2:
            connection.recv(8)
            connection.sendall(b"S")

    with serving(third_time) as address:
        check = {"name": "database", "kind": "postgres", "address": address}
        outcome = measured(tmp_path, check, settle=30)
    assert outcome.code == 0
    assert outcome.checks["database"]["attempts"] == 3


def test_direct_connections_are_tried_only_after_the_network_is_seen_to_work(
    tmp_path: Path,
) -> None:
    order: list[str] = []

    def database(connection: socket.socket) -> None:
        connection.recv(8)
        order.append("database")
        connection.sendall(b"S")

    def outside(connection: socket.socket) -> None:
        order.append("direct")

    with serving(database) as through, serving(outside) as around:
        measured(
            tmp_path,
            {"name": "direct", "kind": "refused", "address": around},
            {"name": "database", "kind": "postgres", "address": through},
        )
    assert order == ["database", "direct"]


def test_checks_run_at_the_same_time(tmp_path: Path) -> None:
    everyone = threading.Barrier(8, timeout=20)

    def together(connection: socket.socket) -> None:
        connection.recv(8)
        everyone.wait()
        connection.sendall(b"S")

    with serving(together) as address:
        checks = [{"name": f"c{n}", "kind": "postgres", "address": address} for n in range(8)]
        assert measured(tmp_path, *checks, attempt=20).code == 0


def test_the_summary_of_many_failures_names_each_within_what_kubernetes_keeps(
    tmp_path: Path,
) -> None:
    names = [f"destination-{n}-ä" for n in range(100)]
    address = nobody()
    checks = [{"name": name, "kind": "open", "address": address} for name in names]
    outcome = measured(tmp_path, *checks)
    assert len(outcome.message.encode()) <= 4096
    assert [name for name in names if name not in outcome.message] == []


def test_what_many_checks_have_measured_begins_with_the_first_within_what_kubernetes_keeps(
    tmp_path: Path,
) -> None:
    with serving(silent) as address:
        names = [f"port-{n}-{'ä' * 20}" for n in range(60)]
        checks = [{"name": name, "kind": "open", "address": address} for name in names]
        outcome = measured(tmp_path, *checks, attempt=1)
    assert outcome.code == 0
    took = outcome.checks[names[0]]["milliseconds"]
    line = f"all 60 checks passed: {names[0]} saw connected, and stayed so in {took} ms; "
    assert outcome.message.startswith(f"node {NODE}: {line}")
    assert len(outcome.message.encode()) <= 4096


def test_no_place_for_the_termination_message_changes_no_verdict(tmp_path: Path) -> None:
    with serving(silent) as address:
        check = {"name": "a", "kind": "open", "address": address}
        outcome = judged(tmp_path, _document(check), termination_log=tmp_path)
    assert outcome.code == 0
    assert "no termination message" in outcome.errors


@pytest.fixture(scope="module")
def reader() -> Iterator[ModuleType]:
    """The module that checks documents, imported as the program imports it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PROGRAM))
        yield importlib.import_module("document")


_NODES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("open")
_KEYS = st.sampled_from(["checks", "settleSeconds", "attemptSeconds", "name", "kind", "address"])


@given(
    st.recursive(
        _NODES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
        max_leaves=8,
    )
)
def test_no_document_makes_the_reader_stumble(reader: ModuleType, document: Any) -> None:
    for whole in (document, json.loads(_document(document))):
        with contextlib.suppress(reader.DocumentError):
            assert reader.checked(whole) == whole
