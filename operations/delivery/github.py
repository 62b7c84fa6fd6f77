"""One comment on a pull request and one issue on drift, found again by author and mark.

Anybody can write the mark; what somebody else wrote is never taken for the job's own.

GitHub's REST API, 2022-11-28: issues, and comments on issues, which those on pull requests are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import httpx

from operations.errors import OperationError

_API = "https://api.github.com"
# Who a job's GITHUB_TOKEN writes as, on GitHub Enterprise Server too. With the token of an App or a
# person in its place, its name has to stand here.
_AUTHOR = "github-actions[bot]"
_SECONDS = 30
_A_PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Repository:
    api: str
    name: str
    token: str

    @classmethod
    def of_job(cls) -> Self:
        """The repository of this job of GitHub Actions; raises OperationError outside of one."""
        needed = {name: os.environ.get(name, "") for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY")}
        missing = [name for name, value in needed.items() if not value]
        if missing:
            raise OperationError(
                f"{' and '.join(missing)} not set: this runs in a job of GitHub Actions, which has "
                "them (GITHUB_TOKEN by `env:`)"
            )
        api = os.environ.get("GITHUB_API_URL") or _API
        return cls(api=api, name=needed["GITHUB_REPOSITORY"], token=needed["GITHUB_TOKEN"])

    def keep_comment(self, pull_request: int, mark: str, text: str) -> str:
        """Write the comment that holds `mark`, or write it again; its address."""
        path = f"issues/{pull_request}/comments"
        for comment in self._all(path):
            if _is_own(comment, mark):
                return self._send("PATCH", f"issues/comments/{comment['id']}", body=text)
        return self._send("POST", path, body=text)

    def keep_issue(self, mark: str, title: str, text: str) -> str:
        """Open the issue that holds `mark`, or bring the open one up to date; its address."""
        number = self._issue(mark)
        if number is None:
            return self._send("POST", "issues", title=title, body=text)
        return self._send("PATCH", f"issues/{number}", title=title, body=text)

    def close_issue(self, mark: str, reason: str) -> str | None:
        """Close the open issue that holds `mark`, saying why; its address, None without one."""
        number = self._issue(mark)
        if number is None:
            return None
        self._send("POST", f"issues/{number}/comments", body=reason)
        return self._send("PATCH", f"issues/{number}", state="closed")

    def _issue(self, mark: str) -> int | None:
        for item in self._all("issues", state="open"):
            # To this API a pull request is an issue with one key more.
            if "pull_request" not in item and _is_own(item, mark):
                return int(item["number"])
        return None

    def _all(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        page = 1
        while True:
            items = self._call("GET", path, params={**query, "per_page": _A_PAGE, "page": page})
            yield from items
            if len(items) < _A_PAGE:
                return
            page += 1

    def _send(self, method: str, path: str, **content: str) -> str:
        return str(self._call(method, path, json=content).get("html_url", ""))

    def _call(self, method: str, path: str, **how: Any) -> Any:  # noqa: ANN401 - JSON of either shape
        try:
            response = httpx.request(
                method,
                f"{self.api}/repos/{self.name}/{path}",
                timeout=_SECONDS,
                headers={
                    "Authorization": f"Bearer {self.token}",
                    "Accept": "application/vnd.github+json",
                    "X-GitHub-Api-Version": "2022-11-28",
                },
                **how,
            )
        except httpx.TransportError as error:
            raise OperationError(f"GitHub does not answer ({error}): run the job again") from None
        if not response.is_success:
            is_json = "json" in response.headers.get("content-type", "")
            message = (is_json and response.json().get("message")) or "no reason"
            raise OperationError(
                f"GitHub answers {response.status_code} to {method} {path}: {message}: "
                "look at the job's `permissions:`"
            )
        return response.json()


def _is_own(item: dict[str, Any], mark: str) -> bool:
    """Whether the job has written it, for that purpose; who has left GitHub is nobody."""
    author = (item.get("user") or {}).get("login")
    return author == _AUTHOR and mark in (item.get("body") or "")
