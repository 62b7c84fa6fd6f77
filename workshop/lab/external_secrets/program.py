"""What a container of the operator's chart runs, and how it is run outside of a container."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.lab.simulated_devices.expansion import expand

# The charts' own names; `workshop/lab/stages/pod-started.yaml` has them too.
NAMES = ("external-secrets", "external-secrets-webhook", "external-secrets-cert-controller")
_LABEL = "app.kubernetes.io/name"
_ADDRESS_FLAG = re.compile(r"(--[a-z-]*-addr)=(.*):(\d+)")
_PORT_FLAG = re.compile(r"(--port)=(\d+)")
_FOLDER_FLAG = re.compile(r"(--[a-z-]*-dir)=(/.*)")
_LEADER_FLAG = re.compile(r"(--enable-leader-election)(=.*)?")
# Of a line after the program's: it would end at a flag that it does not know.
_UNKNOWN_FLAG = re.compile(r"--live-addr=.*")
_PROBE_PATH = "/"


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A readiness probe: a path and the port in the container."""

    path: str
    port: int


@dataclass(frozen=True)
class Workload:
    """The pods of one ReplicaSet, all alike, of which one process does the work."""

    pods: tuple[Mapping[str, Any], ...]

    @property
    def pod(self) -> Mapping[str, Any]:
        """Any of the pods."""
        return self.pods[0]

    @property
    def namespace(self) -> str:
        """The pods' namespace."""
        return str(self.pod["metadata"]["namespace"])

    @property
    def uids(self) -> set[str]:
        """Of all the pods."""
        return {str(pod["metadata"]["uid"]) for pod in self.pods}

    @property
    def container(self) -> Mapping[str, Any]:
        """The first container; the operator's charts have no other."""
        found: Mapping[str, Any] = self.pod["spec"]["containers"][0]
        return found

    @property
    def service_account(self) -> str:
        """The name of the pods' ServiceAccount."""
        return str(self.pod["spec"].get("serviceAccountName") or "default")

    @property
    def has_token(self) -> bool:
        """Whether a kubelet would give the container a token of its ServiceAccount."""
        spec = self.pod["spec"]
        if spec.get("automountServiceAccountToken") is not False:
            return True
        sources = [
            source
            for volume in spec.get("volumes") or []
            for source in (volume.get("projected") or {}).get("sources") or []
        ]
        return any("serviceAccountToken" in source for source in sources)

    def secrets(self) -> dict[str, str]:
        """The Secrets the container mounts, by mount path."""
        volumes = {volume["name"]: volume for volume in self.pod["spec"].get("volumes") or []}
        return {
            mount["mountPath"].rstrip("/"): volumes[mount["name"]]["secret"]["secretName"]
            for mount in self.container.get("volumeMounts") or []
            if "secret" in volumes.get(mount["name"], {})
        }

    def probe(self) -> Probe | None:
        """The readiness probe by HTTP, None where the container has none."""
        get = (self.container.get("readinessProbe") or {}).get("httpGet")
        if get is None:
            return None
        return Probe(path=get.get("path") or _PROBE_PATH, port=self._port(get["port"]))

    def ports(self) -> set[int]:
        """The ports in the container that its arguments name."""
        return {int(port) for _, port in map(_port_of, self.container.get("args") or []) if port}

    def arguments(
        self,
        environment: Mapping[str, str],
        *,
        port: Callable[[int], int],
        folder: Callable[[str], Path],
    ) -> list[str]:
        """The container's arguments for a process on loopback, with its references resolved.

        `port` gives the loopback port for one in the container, `folder` the private folder for a
        mount path. docs/stand-ins.md lists what is changed: this, leader election, and a
        flag that this line of the program has not.
        """
        found = []
        for raw in self.container.get("args") or []:
            text = expand(raw, environment)
            if _UNKNOWN_FLAG.fullmatch(text):
                continue
            if match := _ADDRESS_FLAG.fullmatch(text):
                text = f"{match[1]}=127.0.0.1:{port(int(match[3]))}"
            elif match := _PORT_FLAG.fullmatch(text):
                text = f"{match[1]}={port(int(match[2]))}"
            elif match := _FOLDER_FLAG.fullmatch(text):
                text = f"{match[1]}={folder(match[2].rstrip('/'))}"
            elif match := _LEADER_FLAG.fullmatch(text):
                # Outside of a pod it does not know its namespace; and it is the only one.
                text = f"{match[1]}=false"
            found.append(text)
        return found

    def _port(self, port: int | str) -> int:
        if isinstance(port, int):
            return port
        named = {each.get("name"): each["containerPort"] for each in self.container["ports"]}
        return int(named[port])


def workloads(pods: list[dict[str, Any]]) -> dict[str, Workload]:
    """The operator's workloads among all pods, by name; a pod counts from Running to its end."""
    found: dict[str, list[dict[str, Any]]] = {}
    for pod in pods:
        metadata = pod["metadata"]
        ours = (metadata.get("labels") or {}).get(_LABEL) in NAMES
        running = (pod.get("status") or {}).get("phase") == "Running"
        if ours and running and "deletionTimestamp" not in metadata:
            found.setdefault(workload_name(pod), []).append(pod)
    return {name: Workload(tuple(each)) for name, each in found.items()}


def workload_name(pod: Mapping[str, Any]) -> str:
    """`namespace.replicaset` of a pod; a namespace has no dot, so no two are the same.

    A changed template is another ReplicaSet: its process starts beside the old one, which goes when
    its pods go, as in a rolling update.
    """
    metadata = pod["metadata"]
    owners = metadata.get("ownerReferences") or [metadata]
    return f"{metadata['namespace']}.{owners[0]['name']}"


def _port_of(argument: str) -> tuple[str, str]:
    match = _ADDRESS_FLAG.fullmatch(argument)
    if match:
        return match[1], match[3]
    match = _PORT_FLAG.fullmatch(argument)
    return (match[1], match[2]) if match else ("", "")
