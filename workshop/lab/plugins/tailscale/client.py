"""Tailscale's API, requested as tailscale-client-go v2 requests it.

The API key is the basic-auth user. A request without a body carries `Accept`, one with a body
`Content-Type`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

import httpx

from providers.plugin.errors import ProviderError

_TIMEOUT_SECONDS = 60.0  # As the real client's.
_NOT_FOUND, _ERRORS_FROM = 404, 400


class ApiError(ProviderError):
    """The API refused a request; the message ends with the status in brackets."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} ({status})")
        self.status = status


class NotFoundError(ApiError):
    """404."""


@contextmanager
def failing(what: str) -> Iterator[None]:
    """An error of the block begins with `what`, as the real provider's does."""
    try:
        yield
    except ProviderError as error:
        error.args = (f"{what}: {error}",)
        raise


class Client:
    """A connection to one tailnet. Methods raise ApiError, or ProviderError if nothing answers."""

    def __init__(self, *, base_url: str, tailnet: str, user_agent: str, api_key: str) -> None:
        self._http = httpx.Client(
            base_url=base_url,
            auth=(api_key, ""),
            timeout=_TIMEOUT_SECONDS,
            # It is on loopback, which no proxy can reach.
            trust_env=False,
        )
        self._http.headers["User-Agent"] = user_agent
        # The real client asks for a type only where it sends none.
        del self._http.headers["Accept"]
        self._tailnet = tailnet

    def get(
        self, *path: str, query: list[tuple[str, str]] | None = None, accept: str = ""
    ) -> httpx.Response:
        headers = {"Accept": accept or "application/json"}
        return self._send("GET", path, headers=headers, params=query or None)

    def send(self, method: str, *path: str, body: dict[str, Any]) -> httpx.Response:
        content = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        return self._send(
            method, path, headers={"Content-Type": "application/json"}, content=content
        )

    def send_policy(self, text: str, if_match: str = "") -> None:
        headers = {"Content-Type": "application/hujson"}
        if if_match:
            headers["If-Match"] = f'"{if_match}"'
        self._send("POST", self.tailnet("acl"), headers=headers, content=text)

    def policy(self) -> str:
        """The policy file as it stands there."""
        with failing("Failed to fetch ACL"):
            return self.get(*self.tailnet("acl"), accept="application/hujson").text

    def key(self, key_id: str) -> dict[str, Any]:
        """An auth key or an OAuth client, without its secret."""
        key: dict[str, Any] = self.get(*self.tailnet("keys", key_id)).json()
        return key

    def create_key(self, body: dict[str, Any]) -> dict[str, Any]:
        """An auth key or an OAuth client, with its secret."""
        key: dict[str, Any] = self.send("POST", *self.tailnet("keys"), body=body).json()
        return key

    def delete_key(self, key_id: str) -> None:
        """Revoke a key; one that is gone already is no error."""
        headers = {"Accept": "application/json"}
        with suppress(NotFoundError):
            self._send("DELETE", self.tailnet("keys", key_id), headers=headers)

    def tailnet(self, *path: str) -> tuple[str, ...]:
        return ("tailnet", self._tailnet, *path)

    def _send(
        self,
        method: str,
        path: tuple[str, ...],
        *,
        headers: dict[str, str],
        content: str | None = None,
        params: list[tuple[str, str]] | None = None,
    ) -> httpx.Response:
        url = "/api/v2/" + "/".join(quote(part, safe="") for part in path)
        query = httpx.QueryParams(tuple(params)) if params else None
        try:
            response = self._http.request(
                method, url, headers=headers, content=content, params=query
            )
        except httpx.HTTPError as error:
            where = self._http.base_url.copy_with(userinfo=b"")
            raise ProviderError(
                f"{method} {url}: no answer from {where}: {type(error).__name__}"
            ) from None
        if response.status_code >= _ERRORS_FROM:
            raise _error(response)
        return response


def _error(response: httpx.Response) -> ApiError:
    try:
        message = str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        message = response.reason_phrase or "no message"
    kind = NotFoundError if response.status_code == _NOT_FOUND else ApiError
    return kind(response.status_code, message)
