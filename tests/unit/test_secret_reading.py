"""A secret that is not read anew is explained by what the operator says of this reading."""

from pathlib import Path
from typing import Any

import pytest

from operations.secret_gate.reading import read_again
from tests.kubernetes_api import Document, Request, Response, asking, objects

# One look at the cluster is enough: nothing changes after the request.
_SECONDS = 0.1


def _event(version: str, err: str, at: str) -> dict[str, Any]:
    message = f"error processing spec.data[0] (key: a.b), err: {err}"
    return {
        "metadata": {"resourceVersion": version},
        "message": message,
        "lastTimestamp": f"2026-11-21T{at}Z",
    }


_EARLIER = _event("1", "404 Not Found", "06:00:00")


def _read(folder: Path, status: str, message: str, *, said_since: list[Document]) -> dict[str, str]:
    """The problem found where the operator, once asked, has told no more than these Events."""
    condition = {"type": "Ready", "status": status, "message": message}
    entry = {"secretKey": "KEY", "remoteRef": {"key": "a.c"}}
    secret = {
        "metadata": {"name": "s3", "namespace": "apps", "resourceVersion": "1"},
        "spec": {"data": [entry]},
        "status": {"conditions": [condition]},
    }
    events = [_EARLIER]

    def answer(request: Request) -> Response:
        if request.path.endswith("/events"):
            return objects(*events)
        if request.method == "PATCH":
            assert list(request.body["metadata"]["annotations"]) == ["force-sync"]
            events[:] = said_since
        if request.path.endswith("/externalsecrets"):
            return Response(events=[]) if "watch" in request.query else objects(secret)
        return Response(body=secret)

    with asking(folder, answer) as (client, _):
        (problem,) = read_again(client, [("apps", "s3")], seconds=_SECONDS)
    return problem


def test_a_cause_from_before_the_request_is_not_blamed(tmp_path: Path) -> None:
    problem = _read(tmp_path, "True", "secret synced", said_since=[_EARLIER])
    assert problem["why"] == "the operator did not read it within 0.1 s"
    assert problem["key"] == ""


def test_an_operator_that_says_nothing_new_is_told_with_the_condition_it_left(
    tmp_path: Path,
) -> None:
    problem = _read(tmp_path, "False", "could not get secret data", said_since=[_EARLIER])
    assert problem["why"] == (
        "the operator did not read it within 0.1 s; its last condition: could not get secret data"
    )


@pytest.mark.parametrize(
    "since",
    [
        [_EARLIER, _event("3", "401 Unauthorized", "06:10:00")],
        # The same Event, counted once more.
        [_event("3", "401 Unauthorized", "06:10:00")],
        # Of two since the request the newer.
        [_event("2", "404 Not Found", "06:09:00"), _event("3", "401 Unauthorized", "06:10:00")],
    ],
)
def test_the_newest_warning_since_the_request_is_the_cause(
    since: list[dict[str, Any]], tmp_path: Path
) -> None:
    problem = _read(tmp_path, "False", "could not get secret data", said_since=since)
    assert problem == {"secret": "apps/s3", "key": "KEY", "path": "a.c", "why": "401 Unauthorized"}
