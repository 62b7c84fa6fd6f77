"""The objects of a list as they change, by the API server's own watch."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping

from operations.errors import RequestError
from operations.kubernetes.client import Document, KubernetesClient

# One watch; another goes on where it ends, so a silent API server is found out.
_SECONDS = 10.0
# Between a watch, or a list, that came to nothing and the next.
_PAUSE_SECONDS = 0.5
_GONE, _TOO_MANY, _SERVER_ERRORS = 410, 429, 500


def watched(
    client: KubernetesClient, path: str, *, seconds: float
) -> Iterator[Mapping[str, Document]]:
    """The objects at `path` by name: at once, and again after each change, for `seconds`.

    Where the API server closes the watch, forgets where it was (410 Gone) or does not answer, the
    objects are listed again. Raises RequestError for what will not change, such as a right that
    is missing.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            yield from _listed_and_watched(client, path, deadline)
        except RequestError as error:
            if not _may_pass(error):
                raise
            _pause(deadline)


def _listed_and_watched(
    client: KubernetesClient, path: str, deadline: float
) -> Iterator[Mapping[str, Document]]:
    listed = client.get(path)
    version = listed["metadata"]["resourceVersion"]
    objects = {each["metadata"]["name"]: each for each in listed.get("items") or []}
    yield objects
    while (left := deadline - time.monotonic()) > 0:
        began = time.monotonic()
        for kind, changed in _events(client, path, version, min(left, _SECONDS)):
            if kind == "ERROR":
                raise RequestError(str(changed.get("message")), status=changed.get("code"))
            metadata = changed["metadata"]
            version = metadata["resourceVersion"]
            if kind == "BOOKMARK":
                continue
            if kind == "DELETED":
                objects.pop(metadata["name"], None)
            else:
                objects[metadata["name"]] = changed
            yield objects
            if time.monotonic() > deadline:
                return
        if time.monotonic() - began < _PAUSE_SECONDS:
            _pause(deadline)


def _events(
    client: KubernetesClient, path: str, version: str, seconds: float
) -> Iterator[tuple[str, Document]]:
    params = {
        "watch": "true",
        "resourceVersion": version,
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(math.ceil(seconds)),
    }
    # The API server ends it; a second later it is silent.
    with client.stream("GET", path, params=params, seconds=seconds + 1) as response:
        rest = b""
        for part in response.iter_bytes():
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                try:
                    event = json.loads(line)
                    yield event["type"], event["object"]
                except (ValueError, KeyError, TypeError):
                    raise RequestError("the watch has an event that is not one") from None


def _may_pass(error: RequestError) -> bool:
    status = error.status
    return status is None or status in (_GONE, _TOO_MANY) or status >= _SERVER_ERRORS


def _pause(deadline: float) -> None:
    time.sleep(max(0.0, min(_PAUSE_SECONDS, deadline - time.monotonic())))
