"""What a kubelet does for a pod: its token, its mounts, its status."""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from workshop.lab.external_secrets.program import Workload
from workshop.lab.private_file import keep_private, write_private

# As a kubelet: tokens of an hour, renewed when four fifths of it are over.
_TOKEN_SECONDS = 3600
_RENEW_SECONDS = 0.8 * _TOKEN_SECONDS
_GONE = (404, 409)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How the process is: ready or not, how often restarted, and why it does not run."""

    ready: bool
    restarts: int
    failure: str = ""


class Kubelet:
    """Acts on the API server as a node's kubelet would."""

    def __init__(self, client: httpx.Client, kubeconfig: Path) -> None:
        """`kubeconfig` is the administrator's, which `client` was made from."""
        self._client = client
        document = yaml.safe_load(kubeconfig.read_text())
        self._cluster = document["clusters"][0]["cluster"]

    def credentials(self, workload: Workload, folder: Path) -> Path:
        """A kubeconfig with the rights of the pods' ServiceAccount; its token is kept fresh.

        Raises httpx.HTTPStatusError where there is no such ServiceAccount.
        """
        token = folder / "token"
        if not token.exists() or time.time() - token.stat().st_mtime > _RENEW_SECONDS:
            accounts = f"/api/v1/namespaces/{workload.namespace}/serviceaccounts"
            answer = self._client.post(
                f"{accounts}/{workload.service_account}/token",
                json={"spec": {"expirationSeconds": _TOKEN_SECONDS}},
            ).raise_for_status()
            write_private(token, answer.json()["status"]["token"])
        path = folder / "kubeconfig"
        text = yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "lab", "cluster": self._cluster}],
                # A file, which the client reads again every minute: the token can be renewed.
                "users": [{"name": "pod", "user": {"tokenFile": str(token)}}],
                "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "pod"}}],
                "current-context": "lab",
            }
        )
        keep_private(path, text)
        return path

    def secret(self, namespace: str, name: str) -> dict[str, str] | None:
        """A Secret's data as text, None where there is no such Secret."""
        answer = self._client.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        data = answer.raise_for_status().json().get("data") or {}
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def report(self, pod: Mapping[str, Any], condition: Condition) -> None:
        """Write the condition into the pod's status where it says otherwise."""
        status = pod["status"]
        wanted = _status(pod, condition)
        if all(status.get(key) == value for key, value in wanted.items()):
            return
        metadata = pod["metadata"]
        answer = self._client.patch(
            f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status",
            content=json.dumps({"status": wanted}),
            headers={"content-type": "application/merge-patch+json"},
        )
        if answer.status_code not in _GONE:
            answer.raise_for_status()


def mount(folder: Path, data: Mapping[str, str]) -> None:
    """Let the folder hold the Secret's keys as files, each always whole, and no others."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for key, value in data.items():
        keep_private(folder / key, value)
    for path in folder.iterdir():
        if path.name not in data:
            path.unlink()


def _status(pod: Mapping[str, Any], condition: Condition) -> dict[str, Any]:
    """The parts of a pod's status that the condition decides, with the times they have."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = []
    for each in pod["status"].get("conditions") or []:
        if each["type"] in {"Ready", "ContainersReady"}:
            is_ready = "True" if condition.ready else "False"
            since = each.get("lastTransitionTime") if each["status"] == is_ready else now
            each = {"type": each["type"], "status": is_ready, "lastTransitionTime": since}  # noqa: PLW2901
            if not condition.ready:
                each["reason"] = "ContainersNotReady"
        conditions.append(each)
    containers = [
        {
            **each,
            "ready": condition.ready,
            "started": condition.ready,
            "restartCount": condition.restarts,
            "state": _state(each["state"], condition, now),
        }
        for each in pod["status"].get("containerStatuses") or []
    ]
    return {"conditions": conditions, "containerStatuses": containers}


def _state(before: dict[str, Any], condition: Condition, now: str) -> dict[str, Any]:
    if condition.failure:
        # The nulls take away what a merge would leave.
        waiting = {"reason": "CrashLoopBackOff", "message": condition.failure}
        return {"waiting": waiting, **({"running": None} if "running" in before else {})}
    if "running" in before:
        return before
    return {"running": {"startedAt": now}, "waiting": None}
