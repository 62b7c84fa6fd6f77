"""A pod as a container in it sees it: environment, downward API, files from Secrets."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from workshop.lab.simulated_devices.expansion import expand


class PodError(Exception):
    """A container could not start like this; the message is for an Event on the pod."""


class Objects(Protocol):
    """Where a kubelet gets the objects that pods refer to."""

    def data(self, kind: str, namespace: str, name: str) -> dict[str, bytes] | None:
        """The data of a `secrets` or `configmaps` object, or None if there is none."""


@dataclass(frozen=True)
class Pod:
    """A Pod manifest with its status."""

    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        """metadata.name"""
        return str(self.manifest["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """metadata.namespace"""
        return str(self.manifest["metadata"]["namespace"])

    @property
    def uid(self) -> str:
        """metadata.uid"""
        return str(self.manifest["metadata"]["uid"])

    @property
    def service_account(self) -> str:
        """The ServiceAccount's name."""
        return str(self.manifest["spec"].get("serviceAccountName") or "default")

    @property
    def running(self) -> bool:
        """On a node, Running, and not on its way out."""
        return (
            bool(self.manifest["spec"].get("nodeName"))
            and self.manifest.get("status", {}).get("phase") == "Running"
            and "deletionTimestamp" not in self.manifest["metadata"]
        )

    def containers(self) -> list[Mapping[str, Any]]:
        """Those that run as long as the pod: the containers, and sidecars among the init ones."""
        spec = self.manifest["spec"]
        sidecars = [
            c for c in spec.get("initContainers") or [] if c.get("restartPolicy") == "Always"
        ]
        return [*sidecars, *spec["containers"]]

    def environment(self, container: Mapping[str, Any], objects: Objects) -> dict[str, str]:
        """A container's environment, resolved; raises PodError where a reference leads nowhere."""
        found: dict[str, str] = {}
        for source in container.get("envFrom") or []:
            found |= self._imported(source, objects)
        for variable in container.get("env") or []:
            name = variable["name"]
            if "valueFrom" in variable:
                value = self._referred(name, variable["valueFrom"], objects)
                if value is None:
                    continue
                found[name] = value
            else:
                found[name] = expand(variable.get("value") or "", found)
        return found

    def file(self, container: Mapping[str, Any], path: str, objects: Objects) -> str:
        """A file a container sees through a Secret or ConfigMap volume; raises PodError."""
        volumes = {volume["name"]: volume for volume in self.manifest["spec"].get("volumes") or []}
        mounts = sorted(
            container.get("volumeMounts") or [], key=lambda m: len(m["mountPath"]), reverse=True
        )
        for mount in mounts:
            below = _below(mount["mountPath"], path)
            if below is None:
                continue
            if mount.get("subPath"):
                below = "/".join(part for part in (mount["subPath"], below) if part)
            text = self._in_volume(volumes.get(mount["name"], {}), below, objects)
            if text is None:
                raise PodError(f"{path}: no such file in the volume {mount['name']!r}")
            return text
        raise PodError(f"{path}: in no volume of the container {container['name']!r}")

    def _imported(self, source: Mapping[str, Any], objects: Objects) -> dict[str, str]:
        for field, kind in (("secretRef", "secrets"), ("configMapRef", "configmaps")):
            if field not in source:
                continue
            data = objects.data(kind, self.namespace, source[field]["name"])
            if data is None:
                if source[field].get("optional"):
                    return {}
                raise PodError(f"envFrom: no {kind[:-1]} {source[field]['name']!r}")
            prefix = source.get("prefix") or ""
            return {f"{prefix}{key}": value.decode() for key, value in data.items()}
        return {}

    def _referred(self, variable: str, source: Mapping[str, Any], objects: Objects) -> str | None:
        if "fieldRef" in source:
            return self._field(variable, source["fieldRef"]["fieldPath"])
        for field, kind in (("secretKeyRef", "secrets"), ("configMapKeyRef", "configmaps")):
            if field not in source:
                continue
            reference = source[field]
            data = objects.data(kind, self.namespace, reference["name"]) or {}
            if reference["key"] in data:
                return data[reference["key"]].decode()
            if reference.get("optional"):
                return None
            raise PodError(
                f"{variable}: {kind[:-1]} {reference['name']!r} has no key {reference['key']!r}"
            )
        raise PodError(f"{variable}: valueFrom {sorted(source)} is not simulated")

    def _field(self, variable: str, path: str) -> str:
        """The downward API."""
        metadata, spec = self.manifest["metadata"], self.manifest["spec"]
        status = self.manifest.get("status", {})
        for kind in ("labels", "annotations"):
            if path.startswith(f"metadata.{kind}['") and path.endswith("']"):
                key = path.removeprefix(f"metadata.{kind}['").removesuffix("']")
                return str((metadata.get(kind) or {}).get(key, ""))
        fields = {
            "metadata.name": metadata["name"],
            "metadata.namespace": metadata["namespace"],
            "metadata.uid": metadata["uid"],
            "spec.nodeName": spec.get("nodeName"),
            "spec.serviceAccountName": self.service_account,
            "status.hostIP": status.get("hostIP"),
            "status.podIP": status.get("podIP"),
        }
        if path not in fields:
            raise PodError(f"{variable}: the field {path!r} is not simulated")
        return str(fields[path] or "")

    def _in_volume(self, volume: Mapping[str, Any], name: str, objects: Objects) -> str | None:
        for source in (volume, *((volume.get("projected") or {}).get("sources") or [])):
            for field, kind in (("secret", "secrets"), ("configMap", "configmaps")):
                if field not in source:
                    continue
                reference = source[field]
                data = objects.data(
                    kind, self.namespace, reference.get("secretName") or reference.get("name")
                )
                items = reference.get("items")
                paths = (
                    {i["path"]: i["key"] for i in items} if items else {k: k for k in data or {}}
                )
                if data is not None and paths.get(name) in data:
                    return data[paths[name]].decode()
        return None


def decoded(data: Mapping[str, str] | None) -> dict[str, bytes]:
    """The data of a Secret as the API sends it."""
    return {key: base64.b64decode(value) for key, value in (data or {}).items()}


def _below(folder: str, path: str) -> str | None:
    folder = folder.rstrip("/")
    if path == folder:
        return ""
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else None
