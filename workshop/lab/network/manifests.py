"""The cluster's objects as plain manifests, and what a kubelet looks up in them."""

from collections.abc import Iterable, Mapping
from typing import Any

from workshop.lab.home import LabError
from workshop.lab.simulated_devices.pod import decoded

Manifest = dict[str, Any]
_KINDS = {"secrets": "Secret", "configmaps": "ConfigMap"}


class Manifests:
    """Objects by kind, namespace and name; a later one takes an earlier one's place."""

    def __init__(self, authority: str) -> None:
        """`authority` is the cluster's CA certificate, which every namespace has a copy of."""
        self._authority = authority
        self._objects: dict[tuple[str, str, str], Manifest] = {}
        self._stack: set[tuple[str, str, str]] = set()

    def apply(self, manifests: Iterable[Manifest]) -> None:
        """Take these objects in."""
        for manifest in manifests:
            self._objects[_key(manifest)] = manifest

    def update(self, stack: Iterable[Manifest]) -> None:
        """Have the stack be these objects: those it had before, and has no more, are gone."""
        found = {_key(manifest): manifest for manifest in stack}
        for key in self._stack - set(found):
            del self._objects[key]
        self._objects |= found
        self._stack = set(found)

    def of_kind(self, kind: str) -> list[Manifest]:
        """All objects of a kind, in the order in which they came."""
        return [each for (found, _, _), each in self._objects.items() if found == kind]

    def get(self, kind: str, name: str) -> Manifest:
        """The one object of that kind and name, in whichever namespace; raises LabError."""
        found = [each for each in self.of_kind(kind) if each["metadata"]["name"] == name]
        if len(found) != 1:
            names = ", ".join(each["metadata"]["name"] for each in self.of_kind(kind))
            raise LabError(f"{len(found)} objects {kind} {name}: there are {names or 'none'}")
        return found[0]

    def namespace_labels(self) -> dict[str, Mapping[str, str]]:
        """Every namespace's labels, with the one that Kubernetes itself sets."""
        return {
            each["metadata"]["name"]: {
                **(each["metadata"].get("labels") or {}),
                "kubernetes.io/metadata.name": each["metadata"]["name"],
            }
            for each in self.of_kind("Namespace")
        }

    def data(self, kind: str, namespace: str, name: str) -> dict[str, bytes] | None:
        """The data of a `secrets` or `configmaps` object, or None if there is none."""
        if (kind, name) == ("configmaps", "kube-root-ca.crt"):
            return {"ca.crt": self._authority.encode()}
        manifest = self._objects.get((_KINDS[kind], namespace, name))
        if manifest is None:
            return None
        if kind == "configmaps":
            return {key: text.encode() for key, text in (manifest.get("data") or {}).items()}
        plain = {key: text.encode() for key, text in (manifest.get("stringData") or {}).items()}
        return decoded(manifest.get("data")) | plain


def _key(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]
