"""A lab with the operator in it, and what tests do with its secrets."""

import base64
from dataclasses import dataclass
from typing import Any

import httpx
import yaml

from workshop.lab.node.pod import NodePod
from workshop.testing.lab_fleet import Fleet

NAMESPACE = "external-secrets-system"
ACCESS_KEY_ID = "oceanid-cluster:aws.labelStudio.accessKeyId"
SECRET_ACCESS_KEY = "oceanid-cluster:aws.labelStudio.secretAccessKey"
_METRICS_PORT = 8080
# The environment of Pulumi ESC that `dev` reads.
_SOURCE = "goldfish-inc/oceanid-cluster/dev"
_GROUP = "/apis/external-secrets.io/v1/namespaces/apps"


@dataclass(frozen=True, kw_only=True)
class OperatorLab:
    """A running lab on real nodes."""

    fleet: Fleet

    def esc(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request to the stand-in of Pulumi ESC; below `/lab` it needs no token."""
        # The lab's loopback port: pods reach it by its real name.
        url = f"http://127.0.0.1:{self.fleet.home.port('pulumi-esc')}/api/esc"
        if path.startswith("/lab"):
            url = url.removesuffix("/api/esc")
        headers = {"Authorization": f"token {self.token()}"}
        answer = httpx.request(method, url + path, headers=headers, trust_env=False, **options)
        return answer.raise_for_status()

    def token(self) -> str:
        return (self.fleet.home.path / "pulumi-esc-key").read_text().strip()

    def values(self) -> dict[str, Any]:
        answer = self.esc("GET", f"/environments/{_SOURCE}/decrypt")
        found: dict[str, Any] = yaml.safe_load(answer.text)["values"]["pulumiConfig"]
        return found

    def change(self, key: str, value: str) -> None:
        """Change one of them, as an operator does by Pulumi's own API."""
        values = {"pulumiConfig": {**self.values(), key: {"fn::secret": value}}}
        self.esc("PATCH", f"/environments/{_SOURCE}", content=yaml.safe_dump({"values": values}))

    def apply(self, path: str, manifest: dict[str, Any], manager: str = "test") -> httpx.Response:
        """Server-side apply by the administrator; the answer, whatever it is."""
        with self.fleet.api() as api:
            return api.patch(
                path,
                params={"fieldManager": manager, "force": "true"},
                content=yaml.safe_dump(manifest),
                headers={"content-type": "application/apply-patch+yaml"},
            )

    def make_by_hand(self, name: str, values: dict[str, str]) -> None:
        """A Secret of `apps`, and that namespace, as somebody had them before the stack."""
        space = _manifest("v1", "Namespace", "apps")
        self.apply("/api/v1/namespaces/apps", space).raise_for_status()
        # Not `stringData`: who applies that owns no key, and any owner's removal ends them all.
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        secret = _manifest("v1", "Secret", name, data=data)
        # The provider takes over whatever kubectl manages of an object that it owns whole.
        path = f"/api/v1/namespaces/apps/secrets/{name}"
        self.apply(path, secret, manager="kubectl").raise_for_status()

    def condition(self, name: str) -> tuple[str, str]:
        """Status and reason of an ExternalSecret's condition Ready; empty before there is one."""
        status = self.fleet.get(f"{_GROUP}/externalsecrets/{name}").get("status") or {}
        for each in status.get("conditions") or []:
            if each["type"] == "Ready":
                return each["status"], each["reason"]
        return "", ""

    def secret(self, name: str, namespace: str = "apps") -> dict[str, str]:
        """A Secret's data, empty where there is no such Secret."""
        with self.fleet.api() as api:
            answer = api.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return {}
        data = answer.raise_for_status().json().get("data") or {}
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def may(self, verb: str, resource: str, namespace: str) -> bool:
        """Whether the operator's controller may do that in a namespace, as the API server says."""
        attributes = {"verb": verb, "resource": resource, "namespace": namespace}
        user = f"system:serviceaccount:{NAMESPACE}:external-secrets"
        review = _manifest(
            "authorization.k8s.io/v1",
            "SubjectAccessReview",
            "",
            spec={"user": user, "resourceAttributes": attributes},
        )
        with self.fleet.api() as api:
            answer = api.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", json=review)
        return bool(answer.raise_for_status().json()["status"]["allowed"])

    def metrics(self) -> str:
        """The texts of the operator's metrics, as its pods serve them in the cluster's network.

        Only the pod that leads has any of secrets.
        """
        label = {"labelSelector": "app.kubernetes.io/name=external-secrets"}
        with self.fleet.api() as api:
            found = api.get(f"/api/v1/namespaces/{NAMESPACE}/pods", params=label).json()["items"]
        return "\n".join(
            self._metrics(NodePod(home=self.fleet.home, manifest=pod)) for pod in found
        )

    def _metrics(self, pod: NodePod) -> str:
        with pod.network.entered():
            return httpx.get(f"http://127.0.0.1:{_METRICS_PORT}/metrics", trust_env=False).text


def _manifest(version: str, kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **fields}
