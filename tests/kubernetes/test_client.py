"""One request at a time: pages, metadata without values, refusals, and what a proxy says."""

from pathlib import Path

import pytest

from operations.errors import RequestError
from tests.kubernetes_api import Document, Request, Response, asking, objects, refusal


def _named(name: str) -> Document:
    return {"metadata": {"name": name}}


def _page(name: str, following: str = "") -> Response:
    return Response(body={"metadata": {"continue": following}, "items": [_named(name)]})


def test_a_list_has_the_objects_of_all_its_pages(tmp_path: Path) -> None:
    def answer(request: Request) -> Response:
        return _page("b") if request.query.get("continue") == "b" else _page("a", "b")

    with asking(tmp_path, answer) as (client, server):
        found = client.list_objects("/api/v1/pods?x=y", labelSelector="a=b,c!=d")
    assert found == [_named("a"), _named("b")]
    assert [request.query for request in server.requests] == [
        {"x": "y", "labelSelector": "a=b,c!=d", "limit": "500", **more}
        for more in ({}, {"continue": "b"})
    ]


def test_a_list_that_is_too_old_to_go_on_is_read_in_one(tmp_path: Path) -> None:
    def answer(request: Request) -> Response:
        if "continue" in request.query:
            return refusal(410, "The provided continue parameter is too old")
        return _page("a", "b") if "limit" in request.query else _page("whole")

    with asking(tmp_path, answer) as (client, _):
        assert client.list_objects("/api/v1/pods") == [_named("whole")]


def test_only_metadata_is_asked_for_and_anything_else_is_refused(tmp_path: Path) -> None:
    with asking(tmp_path) as (client, server):
        assert client.list_metadata("/api/v1/secrets") == []
    (request,) = server.requests
    assert request.headers["Accept"] == (
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    )
    values = {"metadata": {"name": "s"}, "data": {"key": "dmFsdWU="}}
    with (
        asking(tmp_path, lambda _: objects(values, kind="SecretList")) as (client, _),
        pytest.raises(RequestError, match="cannot leave an object's values out"),
    ):
        client.list_metadata("/api/v1/secrets")


def test_a_refusal_is_one_line_with_its_status(tmp_path: Path) -> None:
    with (
        asking(tmp_path, lambda _: refusal(403, "nodes is forbidden:\n no right")) as (client, _),
        pytest.raises(RequestError, match=r"^nodes is forbidden: no right$") as refused,
    ):
        client.get("/api/v1/nodes")
    assert refused.value.status == 403


def test_what_a_proxy_says_is_not_repeated(tmp_path: Path) -> None:
    with (
        asking(tmp_path, lambda _: Response(status=502, body={"secret": "value"})) as (client, _),
        pytest.raises(RequestError, match=r"^502 Bad Gateway$"),
    ):
        client.get("/api/v1/nodes")
    with (
        asking(tmp_path, lambda _: Response(body="<html>log in</html>")) as (client, _),
        pytest.raises(RequestError, match=r"^GET /api/v1/nodes: the response is not JSON$"),
    ):
        client.get("/api/v1/nodes")


def test_what_is_sent_says_what_it_is(tmp_path: Path) -> None:
    with asking(tmp_path) as (client, server):
        client.dry_run("/api/v1/namespaces/apps/pods", _named("pod"))
        client.merge("/api/v1/nodes/styx", _named("styx"))
        client.apply("/apis/apps/v1/x", _named("x"), manager="oceanid")
    assert [
        (each.method, each.query, each.headers["Content-Type"]) for each in server.requests
    ] == [
        ("POST", {"dryRun": "All"}, "application/json"),
        ("PATCH", {}, "application/merge-patch+json"),
        ("PATCH", {"fieldManager": "oceanid", "force": "true"}, "application/apply-patch+yaml"),
    ]
    assert [each.body for each in server.requests] == [_named("pod"), _named("styx"), _named("x")]
