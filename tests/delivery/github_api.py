"""GitHub's API, as far as one comment and one issue need it, in a thread of the test.

https://docs.github.com/en/rest/issues: paths, pages of `per_page` items, `{message}` on errors.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.kubernetes_api import Request, Response, api_server

Item = dict[str, Any]
JOB = {"login": "github-actions[bot]"}
"""Who a job of GitHub Actions is."""


@dataclass
class GitHub:
    """One repository. `forbidden` makes every write 403, as a token without the permission."""

    token: str
    name: str = "oceanid/cluster"
    comments: dict[int, list[Item]] = field(default_factory=dict)
    issues: list[Item] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    forbidden: bool = False
    api: str = ""

    def answer(self, method: str, path: str, query: dict[str, str], body: Item) -> tuple[int, Any]:
        """The status and document for a request below the repository."""
        status = 200
        found: Any = None
        match [method, *path.strip("/").split("/")]:
            case ["GET", "issues", number, "comments"]:
                found = _page(self.comments.get(int(number), []), query)
            case ["POST", "issues", number, "comments"]:
                status, found = 201, self._add(self.comments.setdefault(int(number), []), body)
            case ["PATCH", "issues", "comments", which]:
                every = [each for listed in self.comments.values() for each in listed]
                found = _changed(every, "id", which, body)
            case ["GET", "issues"]:
                found = _page([each for each in self.issues if each["state"] == "open"], query)
            case ["POST", "issues"]:
                status, found = 201, self._add(self.issues, {"state": "open", **body})
            case ["PATCH", "issues", which]:
                found = _changed(self.issues, "number", which, body)
        return (404, {"message": "Not Found"}) if found is None else (status, found)

    def _add(self, listed: list[Item], body: Item) -> Item:
        number = len(self.requests)
        made = {"id": number, "number": number, "html_url": f"at {number}", "user": JOB}
        listed.append({**made, **body})
        return listed[-1]


def _page(items: list[Item], query: dict[str, str]) -> list[Item]:
    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    return items[(page - 1) * size : page * size]


def _changed(items: list[Item], key: str, which: str, body: Item) -> Item:
    item = next(each for each in items if str(each[key]) == which)
    item.update(body)
    return item


@contextmanager
def running(github: GitHub) -> Iterator[GitHub]:
    """The API on a port of this machine for as long as the block runs."""

    def answer(request: Request) -> Response:
        query = "?" + urlencode(request.query) if request.query else ""
        github.requests.append((request.method, f"{request.path}{query}"))
        if request.headers.get("Authorization") != f"Bearer {github.token}":
            return Response(status=401, body={"message": "Bad credentials"})
        if github.forbidden and request.method != "GET":
            return Response(status=403, body={"message": "Resource not accessible by integration"})
        path = request.path.removeprefix(f"/repos/{github.name}")
        status, body = github.answer(request.method, path, dict(request.query), request.body or {})
        return Response(status=status, body=body)

    with api_server(answer) as server:
        github.api = server.url
        yield github
