"""The cluster's API, as the kubelet and as a pod's ServiceAccount use it."""

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from workshop.lab.simulated_devices.pod import Pod, PodError, decoded

_WATCH_SECONDS = 300
_READ_MARGIN_SECONDS = 15.0
_PAUSE_SECONDS = 1.0
_NOT_FOUND, _ERRORS_FROM = 404, 400
# Names are all that is needed of Secrets here: their contents stay in the API server.
_NAMES_ONLY = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"


class Collection:
    """All objects of a kind, kept current by list and watch in a thread of its own."""

    def __init__(self, client: httpx.Client, path: str, *, names_only: bool = False) -> None:
        """`path` is the collection's, such as `/api/v1/pods`."""
        self._client = client
        self._path = path
        self._names_only = names_only
        self._lock = threading.Lock()
        self._objects: dict[str, dict[str, Any]] = {}
        self.complete = threading.Event()

    def objects(self) -> list[dict[str, Any]]:
        """The objects as last seen."""
        with self._lock:
            return list(self._objects.values())

    def follow(self, changed: threading.Event, stopped: threading.Event) -> None:
        """Keep current until `stopped`, setting `changed` at each change; survives any error."""
        while not stopped.is_set():
            try:
                version = self._list()
                self.complete.set()
                changed.set()
                for event in self._watch(version):
                    self._apply(event)
                    changed.set()
                    if stopped.is_set():
                        return
            except (httpx.HTTPError, ValueError, KeyError):
                stopped.wait(_PAUSE_SECONDS)

    def _accept(self, suffix: str) -> dict[str, str]:
        return {"Accept": _NAMES_ONLY.format(suffix) if self._names_only else "application/json"}

    def _list(self) -> str:
        response = self._client.get(self._path, headers=self._accept("List"))
        response.raise_for_status()
        body = response.json()
        with self._lock:
            self._objects = {item["metadata"]["uid"]: item for item in body["items"] or []}
        return str(body["metadata"]["resourceVersion"])

    def _watch(self, version: str) -> Iterator[dict[str, Any]]:
        """Events until something ends it: a watch that simply ends is begun again from there."""
        while True:
            parameters = {
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": version,
                "timeoutSeconds": str(_WATCH_SECONDS),
            }
            with self._client.stream(
                "GET",
                self._path,
                params=parameters,
                headers=self._accept(""),
                timeout=httpx.Timeout(10.0, read=_WATCH_SECONDS + _READ_MARGIN_SECONDS),
            ) as response:
                response.raise_for_status()
                for line in response.iter_lines():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        # Most often 410: too old to go on from; list again.
                        raise ValueError(event["object"].get("message", "watch error"))
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        yield event

    def _apply(self, event: Mapping[str, Any]) -> None:
        uid = event["object"]["metadata"]["uid"]
        with self._lock:
            if event["type"] == "DELETED":
                self._objects.pop(uid, None)
            else:
                self._objects[uid] = event["object"]


class Cluster:
    """What is read and written besides."""

    def __init__(self, client: httpx.Client, say: Callable[[str], None]) -> None:
        """`say` writes a line to the log."""
        self._client = client
        self._say = say

    def data(self, kind: str, namespace: str, name: str) -> dict[str, bytes] | None:
        """A Secret's or ConfigMap's data, as a kubelet gets it."""
        response = self._client.get(f"/api/v1/namespaces/{namespace}/{kind}/{name}")
        if response.status_code == _NOT_FOUND:
            return None
        response.raise_for_status()
        body = response.json()
        if kind == "secrets":
            return decoded(body.get("data"))
        return {key: value.encode() for key, value in (body.get("data") or {}).items()}

    def state(self, pod: Pod, secret: str) -> dict[str, bytes]:
        """The state Secret as the pod's ServiceAccount sees it; raises PodError as containerboot.

        containerboot needs `get` and `update`, and creates the Secret if it is missing and may.
        """
        for verb in ("get", "update"):
            if not self._allowed(pod, verb, secret):
                raise PodError(
                    f"state Secret {secret!r}: the ServiceAccount {pod.service_account!r} may not "
                    f"{verb!r} it; grant it in a Role"
                )
        response = self._as(pod, "GET", self._secret(pod, secret))
        if response.status_code == _NOT_FOUND:
            body = {"metadata": {"name": secret}, "type": "Opaque"}
            collection = f"/api/v1/namespaces/{pod.namespace}/secrets"
            made = self._as(pod, "POST", collection, json=body)
            _refuse(made, f"state Secret {secret!r} does not exist and cannot be created")
            return {}
        _refuse(response, f"state Secret {secret!r}: cannot get it")
        return decoded(response.json().get("data"))

    def keep_state(self, pod: Pod, secret: str, values: Mapping[str, str]) -> None:
        """Patch keys of the state Secret as the pod's ServiceAccount; raises PodError."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        response = self._as(
            pod,
            "PATCH",
            self._secret(pod, secret),
            content=json.dumps({"data": data}),
            headers={"Content-Type": "application/merge-patch+json"},
        )
        _refuse(response, f"state Secret {secret!r}: cannot patch it")

    def warn(self, pod: Pod, message: str) -> None:
        """A Warning Event on the pod."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "metadata": {"generateName": f"{pod.name}.", "namespace": pod.namespace},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": pod.name,
                "namespace": pod.namespace,
                "uid": pod.uid,
            },
            "type": "Warning",
            "reason": "TailscaleLoginFailed",
            "message": message,
            "source": {"component": "simulated-devices"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            response = self._client.post(f"/api/v1/namespaces/{pod.namespace}/events", json=event)
        except httpx.HTTPError as error:
            self._say(f"no Event on {pod.namespace}/{pod.name}: {type(error).__name__}")
            return
        if response.status_code >= _ERRORS_FROM and response.status_code != _NOT_FOUND:
            self._say(f"no Event on {pod.namespace}/{pod.name}: HTTP {response.status_code}")

    def _secret(self, pod: Pod, name: str) -> str:
        return f"/api/v1/namespaces/{pod.namespace}/secrets/{name}"

    def _allowed(self, pod: Pod, verb: str, secret: str) -> bool:
        attributes = {
            "namespace": pod.namespace,
            "verb": verb,
            "resource": "secrets",
            "name": secret,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        response = self._as(pod, "POST", path, json=review)
        response.raise_for_status()
        return bool(response.json()["status"]["allowed"])

    def _as(self, pod: Pod, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
        identity = [
            ("Impersonate-User", f"system:serviceaccount:{pod.namespace}:{pod.service_account}"),
            ("Impersonate-Group", "system:serviceaccounts"),
            ("Impersonate-Group", f"system:serviceaccounts:{pod.namespace}"),
            ("Impersonate-Group", "system:authenticated"),
        ]
        headers = [*identity, *options.pop("headers", {}).items()]
        return self._client.request(method, path, headers=headers, **options)


def _refuse(response: httpx.Response, what: str) -> None:
    if response.status_code < _ERRORS_FROM:
        return
    try:
        reason = str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        reason = f"HTTP {response.status_code}"
    raise PodError(f"{what}: {reason}")
