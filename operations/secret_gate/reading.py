"""Has ExternalSecrets read again, and finds the operator's reason for each that was not."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from operations.errors import RequestError
from operations.kubernetes.client import Document, KubernetesClient
from operations.kubernetes.objects import condition, status_of
from operations.kubernetes.watch import watched

NamespacedName = tuple[str, str]

_API = "/apis/external-secrets.io/v1/namespaces"
# A change of it is a change of the object, on which the operator reads it at once (External
# Secrets' FAQ, "Can I manually trigger a secret refresh?").
_FORCE = "force-sync"
# In the operator's events: error processing spec.data[0] (key: path), err: …
_ENTRY = re.compile(r"spec\.data\[(\d+)\]")


@dataclass(frozen=True)
class _Before:
    """How an ExternalSecret stood when it was asked for: what was read, which Events there were."""

    read: str
    events: frozenset[str]


def read_again(
    client: KubernetesClient, wanted: Iterable[NamespacedName], *, seconds: float
) -> list[dict[str, str]]:
    """Ask for all, wait until each has been read since; a problem for each that was not in time.

    A problem has `secret`, `key` (empty when it is not one key's), `path` and `why`.
    """
    stamp = str(time.time_ns())
    problems = []
    waiting: dict[str, dict[str, _Before]] = {}
    for namespace, name in wanted:
        path = f"{_API}/{namespace}/externalsecrets/{name}"
        try:
            before = client.get(path)
            events = frozenset(map(_version, _warnings(client, (namespace, name))))
            client.merge(path, {"metadata": {"annotations": {_FORCE: stamp}}})
        except RequestError as error:
            problems.append(_problem((namespace, name), str(error)))
        else:
            waiting.setdefault(namespace, {})[name] = _Before(_read(before), events)
    if not waiting:
        return problems
    with ThreadPoolExecutor(max_workers=len(waiting)) as pool:
        late = pool.map(lambda entry: _late(client, *entry, seconds=seconds), waiting.items())
        return [*problems, *(problem for of_namespace in late for problem in of_namespace)]


def _late(
    client: KubernetesClient, namespace: str, waiting: dict[str, _Before], *, seconds: float
) -> list[dict[str, str]]:
    """A problem for each ExternalSecret of the namespace that is not read within `seconds`."""
    problems = []
    latest: Mapping[str, Document] = {}
    try:
        for latest in watched(client, f"{_API}/{namespace}/externalsecrets", seconds=seconds):
            for name in list(waiting):
                if name not in latest:
                    problems.append(_problem((namespace, name), "it has been deleted meanwhile"))
                    del waiting[name]
                elif _is_ready(latest[name]) and _read(latest[name]) != waiting[name].read:
                    del waiting[name]
            if not waiting:
                break
    except RequestError as error:
        return problems + [_problem((namespace, name), str(error)) for name in waiting]
    return problems + [
        _explained(client, (namespace, name), before.events, latest.get(name, {}), seconds)
        for name, before in waiting.items()
    ]


def _read(external_secret: Document) -> str:
    """The version of the object that was read last; it changes with the annotation."""
    version: str = status_of(external_secret).get("syncedResourceVersion", "")
    return version


def _is_ready(external_secret: Document) -> bool:
    # Merge waits for a Secret that is not there, and calls that ready.
    ready = condition(external_secret, "Ready")
    return ready.get("status") == "True" and ready.get("reason") != "SecretMissing"


def _explained(
    client: KubernetesClient,
    secret: NamespacedName,
    known: frozenset[str],
    external_secret: Document,
    seconds: float,
) -> dict[str, str]:
    # Its condition names neither key nor reason. An Event from before the request tells of an
    # earlier reading, whose cause may be fixed; one that is counted again has a new version.
    events = [event for event in _warnings(client, secret) if _version(event) not in known]
    if not events:
        return _problem(secret, _unread(external_secret, seconds))
    newest = max(events, key=lambda event: event.get("lastTimestamp") or "")
    reason = " ".join(newest["message"].split())
    match = _ENTRY.search(reason)
    entries = external_secret.get("spec", {}).get("data", [])
    if match and int(match[1]) < len(entries):
        entry = entries[int(match[1])]
        why = reason.partition("err: ")[2] or reason
        return _problem(secret, why, key=entry["secretKey"], path=entry["remoteRef"]["key"])
    return _problem(secret, reason)


def _unread(external_secret: Document, seconds: float) -> str:
    why = f"the operator did not read it within {seconds:g} s"
    message = condition(external_secret, "Ready").get("message")
    if _is_ready(external_secret) or not message:
        return why
    return f"{why}; its last condition: {message}"


def _warnings(client: KubernetesClient, secret: NamespacedName) -> list[Document]:
    namespace, name = secret
    about = f"involvedObject.kind=ExternalSecret,involvedObject.name={name},type=Warning"
    try:
        return client.list_objects(f"/api/v1/namespaces/{namespace}/events", fieldSelector=about)
    except RequestError:
        return []


def _version(event: Document) -> str:
    version: str = event["metadata"]["resourceVersion"]
    return version


def _problem(secret: NamespacedName, why: str, *, key: str = "", path: str = "") -> dict[str, str]:
    return {"secret": "/".join(secret), "key": key, "path": path, "why": why}
