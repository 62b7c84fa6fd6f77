"""A wait sees each change, whatever becomes of the watch that tells of it."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from operations.errors import RequestError
from operations.kubernetes import watch
from tests.kubernetes_api import Document, Request, Response, asking, objects, refusal

_PATH = "/apis/external-secrets.io/v1/namespaces/apps/externalsecrets"


def _object(version: str, name: str = "s3") -> Document:
    return {"metadata": {"name": name, "resourceVersion": version}}


def _event(kind: str, changed: Document) -> Document:
    return {"type": kind, "object": changed}


def _watching(events: Iterable[Document], *listed: Document) -> Callable[[Request], Response]:
    """Answers a list, and then a watch of it."""
    return lambda request: Response(events=events) if "watch" in request.query else objects(*listed)


def _seen(
    folder: Path,
    answer: Callable[[Request], Response],
    *,
    until: Callable[[dict[str, Any]], bool],
    seconds: float = 20,
) -> tuple[list[dict[str, str]], list[Request]]:
    """The versions by name at each step until one is as awaited, and what was asked for them."""
    steps = []
    with asking(folder, answer) as (client, server):
        for state in watch.watched(client, _PATH, seconds=seconds):
            steps.append(
                {name: each["metadata"]["resourceVersion"] for name, each in state.items()}
            )
            if until(steps[-1]):
                break
    return steps, server.requests


def test_a_change_is_seen_when_it_comes_and_not_by_asking_again(tmp_path: Path) -> None:
    def later() -> Iterator[Document]:
        time.sleep(1)
        # A line of JSON may hold what other programs take for the end of one.
        yield _event("MODIFIED", {**_object("2"), "status": {"message": "a\x85b\u2028c"}})
        threading.Event().wait(5)

    answer = _watching(later(), _object("1"))
    steps, requests = _seen(tmp_path, answer, until=lambda state: state == {"s3": "2"})
    assert steps == [{"s3": "1"}, {"s3": "2"}]
    assert [each.query.get("watch") for each in requests] == [None, "true"]


def test_an_object_that_is_deleted_is_gone_and_a_bookmark_is_no_object(tmp_path: Path) -> None:
    events = [
        _event("ADDED", _object("2", "db")),
        _event("BOOKMARK", {"metadata": {"resourceVersion": "3"}}),
        _event("DELETED", _object("4")),
    ]

    answer = _watching(events, _object("1"))
    steps, _ = _seen(tmp_path, answer, until=lambda state: "s3" not in state)
    assert steps[-1] == {"db": "2"}


def test_a_closed_watch_goes_on_from_the_last_version(tmp_path: Path) -> None:
    watches = iter([[_event("BOOKMARK", _object("7"))], [], [_event("MODIFIED", _object("9"))]])

    def answer(request: Request) -> Response:
        if "watch" in request.query:
            return Response(events=next(watches))
        return objects(_object("1"), version="5")

    steps, requests = _seen(tmp_path, answer, until=lambda state: state["s3"] == "9")
    assert [each.query.get("resourceVersion") for each in requests] == [None, "5", "7", "7"]
    assert len(steps) == 2


@pytest.mark.parametrize("by", ["event", "status"])
def test_a_watch_whose_version_is_gone_lists_again(tmp_path: Path, by: str) -> None:
    versions = iter("19")
    gone: Document = {"kind": "Status", "message": "too old resource version", "code": 410}

    def answer(request: Request) -> Response:
        if "watch" not in request.query:
            return objects(_object(next(versions)))
        if by == "status":
            return refusal(410, gone["message"])
        return Response(events=[_event("ERROR", gone)])

    steps, _ = _seen(tmp_path, answer, until=lambda state: state == {"s3": "9"})
    assert [(a["s3"], b["s3"]) for a, b in pairwise(steps)] == [("1", "9")]


def test_an_api_server_that_is_away_for_a_moment_is_asked_again(tmp_path: Path) -> None:
    answers = iter([refusal(500, "etcd is away"), objects(_object("1"))])
    steps, _ = _seen(tmp_path, lambda _: next(answers), until=lambda state: "s3" in state)
    assert steps == [{"s3": "1"}]


def test_a_right_that_is_missing_ends_the_wait_at_once(tmp_path: Path) -> None:
    def answer(request: Request) -> Response:
        return refusal(403, "cannot watch") if "watch" in request.query else objects()

    with pytest.raises(RequestError, match="cannot watch"):
        _seen(tmp_path, answer, until=lambda _: False)


def test_a_wait_ends_when_its_time_is_over_though_the_api_server_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent() -> Iterator[Document]:
        threading.Event().wait(10)
        yield from ()

    answer = _watching(silent(), _object("1"))
    began = time.monotonic()
    _seen(tmp_path, answer, until=lambda _: False, seconds=0.5)
    assert time.monotonic() - began < 8
