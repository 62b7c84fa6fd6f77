"""A connection to the API server from a kubeconfig with embedded certificates, and its objects."""

import base64
import json
import ssl
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from workshop.lab.home import LabError


def connect(kubeconfig: Path, *, timeout: float = 10.0) -> httpx.Client:
    """An HTTP client for the current context's cluster: TLS verified, client certificate set.

    `timeout` is in seconds and holds for each connect, read and write.
    """
    document = yaml.safe_load(kubeconfig.read_text())
    current = document["current-context"]
    context = _named(document["contexts"], current)["context"]
    cluster = _named(document["clusters"], context["cluster"])["cluster"]
    user = _named(document["users"], context["user"])["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    tls = ssl.create_default_context(cadata=authority)
    # The ssl module takes a client certificate only from a file.
    with tempfile.NamedTemporaryFile(mode="wb") as pair:
        pair.write(base64.b64decode(user["client-certificate-data"]))
        pair.write(base64.b64decode(user["client-key-data"]))
        pair.flush()
        tls.load_cert_chain(pair.name)
    # The lab is on loopback: a proxy of the environment must not see it.
    return httpx.Client(base_url=cluster["server"], verify=tls, timeout=timeout, trust_env=False)


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


class Objects:
    """Any kind of object of an API server, by what the server itself says of its kinds."""

    def __init__(self, api: httpx.Client) -> None:
        """`api` is its administrator."""
        self._api = api
        self._resources: dict[tuple[str, str], tuple[str, bool]] = {}

    def path(self, manifest: Mapping[str, Any]) -> str:
        """Where the object is; raises LabError for a kind that the server does not serve."""
        version, kind, metadata = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
        base = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        plural, is_namespaced = self._resource(base, version, kind)
        space = f"/namespaces/{metadata.get('namespace', 'default')}" if is_namespaced else ""
        return f"{base}{space}/{plural}/{metadata['name']}"

    def apply(self, manifests: Iterable[Mapping[str, Any]]) -> None:
        """Apply the objects on the server's side, whoever had their fields; raises LabError."""
        for manifest in manifests:
            answer = self._api.patch(
                self.path(manifest),
                params={"fieldManager": "oceanid-lab", "force": "true"},
                headers={"Content-Type": "application/apply-patch+yaml"},
                content=json.dumps(manifest),
            )
            if not answer.is_success:
                said = answer.json().get("message", "")[:300]
                raise LabError(f"{manifest['kind']} {manifest['metadata']['name']}: {said}")

    def _resource(self, base: str, version: str, kind: str) -> tuple[str, bool]:
        key = (version, kind)
        if key not in self._resources:
            listed = self._api.get(base)
            for each in listed.json()["resources"] if listed.is_success else []:
                if "/" not in each["name"]:
                    self._resources[version, each["kind"]] = (each["name"], each["namespaced"])
        if key not in self._resources:
            raise LabError(f"{kind} {version}: the API server does not serve this kind")
        return self._resources[key]
