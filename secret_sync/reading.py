"""Has ExternalSecrets read anew, and finds the operator's reason for each that was not."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.kubectl import Kubectl, Refused

Place = tuple[str, str]
Document = Mapping[str, Any]

_API = "/apis/external-secrets.io/v1/namespaces"
# A change of it is a change of the object, on which the operator reads it at once (External
# Secrets' FAQ, "Can I manually trigger a secret refresh?").
_FORCE = "force-sync"
_SECONDS_BETWEEN_LOOKS = 0.5
# In the operator's events: error processing spec.data[0] (key: path), err: …
_ENTRY = re.compile(r"spec\.data\[(\d+)\]")


@dataclass(frozen=True)
class _Before:
    """How an ExternalSecret stood when it was asked for: what was read, which Events there were."""

    read: str
    events: frozenset[str]


def read_anew(cluster: Kubectl, wanted: Iterable[Place], *, seconds: float) -> list[dict[str, str]]:
    """Ask for all, wait until each has been read since; a problem for each that was not in time.

    A problem has `secret`, `key` (empty when it is not one key's), `path` and `why`.
    """
    stamp = str(time.time_ns())
    problems = []
    waiting: dict[Place, _Before] = {}
    for namespace, name in wanted:
        before = cluster.document(f"{_API}/{namespace}/externalsecrets/{name}")
        if isinstance(before, Refused):
            problems.append(_problem((namespace, name), before.why))
            continue
        events = frozenset(map(_version, _warnings(cluster, (namespace, name))))
        refused = cluster.annotate("externalsecret", namespace, name, {_FORCE: stamp})
        if refused is not None:
            problems.append(_problem((namespace, name), refused))
            continue
        waiting[namespace, name] = _Before(_read(before), events)
    deadline = time.monotonic() + seconds
    latest: dict[Place, Document] = {}
    while waiting and time.monotonic() < deadline:
        for place, asked in list(waiting.items()):
            now = cluster.document(f"{_API}/{place[0]}/externalsecrets/{place[1]}")
            if isinstance(now, Refused):
                continue
            latest[place] = now
            if _is_ready(now) and _read(now) != asked.read:
                del waiting[place]
        if waiting:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    return [
        *problems,
        *(
            _explained(cluster, place, asked.events, latest.get(place, {}), seconds)
            for place, asked in waiting.items()
        ),
    ]


def _read(external_secret: Document) -> str:
    """The version of the object that was read last; it changes with the annotation."""
    version: str = external_secret.get("status", {}).get("syncedResourceVersion", "")
    return version


def _is_ready(external_secret: Document) -> bool:
    return any(
        each["type"] == "Ready"
        and each["status"] == "True"
        # Merge waits for a Secret that is not there, and calls that ready.
        and each.get("reason") != "SecretMissing"
        for each in external_secret.get("status", {}).get("conditions", [])
    )


def _explained(
    cluster: Kubectl,
    place: Place,
    heard: frozenset[str],
    external_secret: Document,
    seconds: float,
) -> dict[str, str]:
    # Its condition names neither key nor reason. An Event from before the request tells of an
    # earlier reading, whose cause may be mended; one that is counted again has a new version.
    said = [each for each in _warnings(cluster, place) if _version(each) not in heard]
    if not said:
        return _problem(place, _unread(external_secret, seconds))
    newest = max(said, key=lambda each: each.get("lastTimestamp") or "")
    reason = " ".join(newest["message"].split())
    found = _ENTRY.search(reason)
    entries = external_secret.get("spec", {}).get("data", [])
    if found and int(found[1]) < len(entries):
        entry = entries[int(found[1])]
        why = reason.partition("err: ")[2] or reason
        return _problem(place, why, key=entry["secretKey"], path=entry["remoteRef"]["key"])
    return _problem(place, reason)


def _unread(external_secret: Document, seconds: float) -> str:
    why = f"the operator did not read it within {seconds:g} s"
    conditions = external_secret.get("status", {}).get("conditions", [])
    last = [each.get("message") for each in conditions if each["type"] == "Ready"]
    if _is_ready(external_secret) or not any(last):
        return why
    return f"{why}; its last condition: {last[0]}"


def _warnings(cluster: Kubectl, place: Place) -> list[Document]:
    namespace, name = place
    about = f"involvedObject.kind=ExternalSecret,involvedObject.name={name},type=Warning"
    answer = cluster.document(f"/api/v1/namespaces/{namespace}/events?fieldSelector={about}")
    return [] if isinstance(answer, Refused) else answer["items"]


def _version(event: Document) -> str:
    version: str = event["metadata"]["resourceVersion"]
    return version


def _problem(place: Place, why: str, *, key: str = "", path: str = "") -> dict[str, str]:
    return {"secret": "/".join(place), "key": key, "path": path, "why": why}
