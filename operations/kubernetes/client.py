"""Requests to the API server of one context, each answered within a bounded time."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx

from operations.errors import RequestError
from operations.kubernetes.kubeconfig import Connection, connection
from providers.plugin.loopback import is_on_loopback

Document = dict[str, Any]
_T = TypeVar("_T")

# For each step of a request: connecting, sending, each part of the response.
_SECONDS = 10.0
# For the whole of a request, a plugin that logs in included.
_LONGEST_SECONDS = 60.0
# For the one that comes before all others.
_SECONDS_TO_ANSWER = 10.0
# Of objects in one response.
_PAGE = 500
_ERRORS_FROM, _FORBIDDEN, _GONE = 300, 403, 410
_JSON = "application/json"
# An object without all that is not its metadata, so a Secret without its values.
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_MERGE = "application/merge-patch+json"
# JSON is YAML.
_APPLY = "application/apply-patch+yaml"


class KubernetesClient:
    """The API server of one context of the kubeconfig that KUBECONFIG names.

    Threads may share one. Every method raises RequestError, and nothing else, for what comes from
    outside: the kubeconfig, the network, the API server.
    """

    def __init__(self, *, context: str, environment: Mapping[str, str] | None = None) -> None:
        """`environment` is this process's unless given; nothing is read or asked yet."""
        self._context = context
        self._environment = os.environ if environment is None else environment
        self._lock = threading.Lock()
        self._opened: httpx.Client | RequestError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self._opened, httpx.Client):
            self._opened.close()

    def require_ready(self) -> None:
        """Return once the API server has said that it is ready, or raise, within seconds."""
        try:
            _within(_SECONDS_TO_ANSWER, self._readyz)
        except RequestError as error:
            # Who may not ask has been answered.
            if error.status != _FORBIDDEN:
                raise

    def get(self, path: str) -> Document:
        return self._json("GET", path)

    def list_objects(self, path: str, **selectors: str) -> list[Document]:
        """All objects at `path`, of however many pages; `selectors` such as `labelSelector`."""
        return self._pages(path, selectors, _JSON)

    def list_metadata(self, path: str) -> list[Document]:
        """The `metadata` of all objects at `path`; nothing else of them comes over the wire."""
        return self._pages(path, {}, _METADATA)

    def dry_run(self, path: str, manifest: Document) -> None:
        """Have the API server judge the new object `manifest` as admission would, without effect.

        Raises RequestError where it would be refused.
        """
        self._json("POST", path, params={"dryRun": "All"}, body=manifest)

    def merge(self, path: str, change: Document) -> None:
        self._json("PATCH", path, body=change, content_type=_MERGE)

    def apply(self, path: str, manifest: Document, *, manager: str) -> None:
        """Make the object, or set the fields of `manifest` on it, whoever managed them before."""
        params = {"fieldManager": manager, "force": "true"}
        self._json("PATCH", path, params=params, body=manifest, content_type=_APPLY)

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Document | None = None,
        seconds: float = _SECONDS,
    ) -> Iterator[httpx.Response]:
        """A response as it comes; `seconds` is the longest silence before the next part of it."""
        http = self._open(_LONGEST_SECONDS)
        url = httpx.URL(path).copy_merge_params(params or {})
        timeout = httpx.Timeout(_SECONDS, read=seconds)
        try:
            with http.stream(
                method,
                url,
                headers=headers,
                content=None if body is None else json.dumps(body),
                timeout=timeout,
            ) as response:
                if response.status_code >= _ERRORS_FROM:
                    response.read()
                    raise RequestError(_message(response), status=response.status_code)
                yield response
        except httpx.TimeoutException as error:
            if isinstance(error, httpx.ConnectTimeout):
                seconds = _SECONDS
            raise RequestError(f"no answer within {seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            where = urlsplit(str(http.base_url)).netloc
            raise RequestError(f"{where}: {str(error) or type(error).__name__}") from None

    def _readyz(self) -> None:
        self._open(_SECONDS_TO_ANSWER)
        with self.stream("GET", "/readyz") as response:
            response.read()

    def _pages(self, path: str, selectors: Mapping[str, str], accept: str) -> list[Document]:
        items: list[Document] = []
        query = {**selectors, "limit": str(_PAGE)}
        while True:
            try:
                page = self._json("GET", path, params=query, accept=accept)
            except RequestError as error:
                if error.status != _GONE or "continue" not in query:
                    raise
                # The first pages are too old to go on from: all at once instead.
                items, query = [], dict(selectors)
                continue
            if accept is _METADATA and page.get("kind") != "PartialObjectMetadataList":
                raise RequestError("the API server cannot leave an object's values out")
            items += page.get("items") or []
            following = page.get("metadata", {}).get("continue")
            if not following:
                return items
            query["continue"] = following

    def _json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Document | None = None,
        accept: str = _JSON,
        content_type: str = _JSON,
    ) -> Document:
        headers = {"Accept": accept} | ({} if body is None else {"Content-Type": content_type})
        deadline = time.monotonic() + _LONGEST_SECONDS
        content = bytearray()
        with self.stream(method, path, params=params, headers=headers, body=body) as response:
            for part in response.iter_bytes():
                content += part
                if time.monotonic() > deadline:
                    raise RequestError(f"no whole answer within {_LONGEST_SECONDS:g} s")
        try:
            document = json.loads(content)
        except ValueError:
            raise RequestError(f"{method} {path}: the response is not JSON") from None
        if not isinstance(document, dict):
            raise RequestError(f"{method} {path}: the response is not a JSON object")
        return document

    def _open(self, seconds: float) -> httpx.Client:
        """The connections, made once; a kubeconfig that is broken is not read again either."""
        with self._lock:
            if self._opened is None:
                try:
                    self._opened = _http(
                        connection(self._context, self._environment, seconds=seconds)
                    )
                except RequestError as error:
                    self._opened = error
            if isinstance(self._opened, RequestError):
                raise self._opened
            return self._opened


def _http(to: Connection) -> httpx.Client:
    try:
        http = httpx.Client(
            base_url=to.server,
            headers=list(to.headers),
            verify=to.tls if to.tls is not None else True,
            proxy=to.proxy,
            # A proxy of the environment cannot reach this machine's own lab.
            trust_env=not is_on_loopback(to.server),
        )
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        raise RequestError(f"the kubeconfig's cluster {to.server}: {error}") from None
    if to.tls_server_name is not None:
        name = to.tls_server_name

        def named(request: httpx.Request) -> None:
            request.extensions["sni_hostname"] = name

        http.event_hooks = {"request": [named]}
    return http


def _message(response: httpx.Response) -> str:
    """The API server's own words; of a page of a proxy in between, only its status."""
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if kind == "text/plain":
        lines = [line for line in response.text.splitlines() if line.strip()]
        return f"{response.status_code} {lines[-1] if lines else response.reason_phrase}"
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"{response.status_code} {response.reason_phrase}"


def _within(seconds: float, ask: Callable[[], _T]) -> _T:
    """Its result, or a RequestError after `seconds`, whatever it waits for, such as a resolver."""
    result: Future[_T] = Future()

    def run() -> None:
        try:
            result.set_result(ask())
        except BaseException as error:  # noqa: BLE001  the one who waits raises it
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return result.result(seconds)
    except TimeoutError:
        raise RequestError(f"no answer within {seconds:g} s") from None
