"""A lab with the operator's own chart in it, and what tests do with its secrets."""

import base64
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.e2e.lab_fixture import copy_program
from workshop.testing.checkout import REPOSITORY, passed
from workshop.testing.lab_fleet import Fleet
from workshop.testing.waiting import until

NAMESPACE = "external-secrets-system"
ACCESS_KEY_ID = "oceanid-cluster:aws.labelStudio.accessKeyId"
SECRET_ACCESS_KEY = "oceanid-cluster:aws.labelStudio.secretAccessKey"
_STACK = "operator"
_KINDS = REPOSITORY / ".toolchain" / "bin" / "external-secrets-crds.yaml"
_GROUP = "/apis/external-secrets.io/v1/namespaces/apps"


@dataclass(frozen=True, kw_only=True)
class OperatorLab:
    """A running lab in which the operator's Deployments are ready.

    `source` is the environment of Pulumi ESC that its secrets come from.
    """

    fleet: Fleet
    source: str = "goldfish-inc/oceanid-cluster/prod"

    def esc(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request to the stand-in of Pulumi ESC; below `/lab` it needs no token."""
        url = self.fleet.variables["ESC_API_URL"]
        if path.startswith("/lab"):
            url = url.removesuffix("/api/esc")
        headers = {"Authorization": f"token {self.token()}"}
        answer = httpx.request(method, url + path, headers=headers, trust_env=False, **options)
        return answer.raise_for_status()

    def token(self) -> str:
        return (self.fleet.home.path / "pulumi-esc-key").read_text().strip()

    def values(self) -> dict[str, Any]:
        answer = self.esc("GET", f"/environments/{self.source}/decrypt")
        found: dict[str, Any] = yaml.safe_load(answer.text)["values"]["pulumiConfig"]
        return found

    def change(self, key: str, value: str) -> None:
        """Change one of them, as an operator does by Pulumi's own API."""
        values = {"pulumiConfig": {**self.values(), key: {"fn::secret": value}}}
        self.esc(
            "PATCH", f"/environments/{self.source}", content=yaml.safe_dump({"values": values})
        )

    def keep_token(self) -> None:
        """Put the lab's current token into the Secret that the store names."""
        data = {"token": self.token()}
        manifest = _manifest("v1", "Secret", "pulumi-api-token", stringData=data)
        self.apply("/api/v1/namespaces/apps/secrets/pulumi-api-token", manifest)

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

    def store(self, **fields: Any) -> httpx.Response:
        """The store of the operators' document, with the stand-in's address."""
        pulumi = {
            "apiUrl": self.fleet.variables["ESC_API_URL"],
            "organization": "goldfish-inc",
            "project": "oceanid-cluster",
            "environment": "prod",
            "accessToken": {"secretRef": {"name": "pulumi-api-token", "key": "token"}},
        }
        spec = {"provider": {"pulumi": {**pulumi, **fields}}}
        manifest = _manifest("external-secrets.io/v1", "SecretStore", "pulumi-esc", spec=spec)
        return self.apply(f"{_GROUP}/secretstores/pulumi-esc", manifest)

    def external_secret(self, name: str, **keys: str) -> httpx.Response:
        """An ExternalSecret of that name, from keys of its Secret to property paths."""
        spec = {
            "refreshInterval": "1s",
            "secretStoreRef": {"name": "pulumi-esc", "kind": "SecretStore"},
            "target": {"name": name},
            "data": [{"secretKey": k, "remoteRef": {"key": v}} for k, v in keys.items()],
        }
        manifest = _manifest("external-secrets.io/v1", "ExternalSecret", name, spec=spec)
        return self.apply(f"{_GROUP}/externalsecrets/{name}", manifest)

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

    def events(self, name: str) -> str:
        """The messages of an object's Events in `apps`, a line each."""
        events = self.fleet.get("/api/v1/namespaces/apps/events")["items"]
        return "\n".join(e["message"] for e in events if e["involvedObject"]["name"] == name)


def deploy(fleet: Fleet, folder: Path) -> OperatorLab:
    """Install the operator's kinds and its chart by the engine, and wait until it is ready."""
    lab = OperatorLab(fleet=fleet)
    for kind in yaml.load_all(_KINDS.read_text(), Loader=yaml.CSafeLoader):
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        lab.apply(f"{path}/{kind['metadata']['name']}", kind).raise_for_status()
    for name in ("apps", NAMESPACE):
        manifest = _manifest("v1", "Namespace", name)
        lab.apply(f"/api/v1/namespaces/{name}", manifest).raise_for_status()
    copy_program("external_secrets", folder)
    shutil.copytree(_KINDS.parent / "external-secrets-chart", folder / "chart")
    passed(fleet.engine(folder, "stack", "init", _STACK))
    passed(fleet.engine(folder, "up", "--yes", "--skip-preview", "--stack", _STACK))
    until(lambda: _are_available(fleet))
    return lab


def _are_available(fleet: Fleet) -> bool:
    deployments = fleet.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments")["items"]
    return all(
        each["status"].get("readyReplicas") == each["spec"]["replicas"] for each in deployments
    )


def _manifest(version: str, kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **fields}
