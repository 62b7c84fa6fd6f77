"""Any pods of a lab on real nodes: run, waited for, read and ended."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx

from workshop.lab.home import Home, LabError
from workshop.lab.kube import Objects
from workshop.lab.node.pod import NodePod
from workshop.testing.waiting import until

SECONDS = 90.0
"""How long anything may take that a node does by itself."""


@dataclass(kw_only=True)
class Pods:
    """The pods of the lab in the folder `home`, by its API server `kube`."""

    home: Home
    kube: httpx.Client

    @cached_property
    def cluster(self) -> Objects:
        """The API server's objects."""
        return Objects(self.kube)

    def pod(self, namespace: str, name: str) -> NodePod:
        """The pod of that name; raises LabError where there is none."""
        try:
            return NodePod.get(self.home, self.kube, namespace, name)
        except httpx.HTTPStatusError:
            raise LabError(f"pod {namespace}/{name}: there is none") from None

    def is_ready(self, find: Callable[[str], NodePod], node: str) -> bool:
        """Whether the pod that `find` gives for the node is there and ready."""
        try:
            return bool(find(node).is_ready)
        except LabError:
            return False

    def listed(self, path: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """The objects at a path of the API."""
        found = self.kube.get(path, params=dict(query)).raise_for_status()
        items: list[dict[str, Any]] = found.json()["items"]
        return items

    def run(self, manifest: dict[str, Any]) -> NodePod:
        """The pod of this manifest, made where it is not there, once it runs."""
        metadata = manifest["metadata"]

        def running() -> bool:
            pod = self.pod(metadata["namespace"], metadata["name"])
            phase = pod.manifest["status"].get("phase")
            # A node that has just started has not yet said that nothing of it runs.
            return bool(pod.processes()) if phase == "Running" else phase not in (None, "Pending")

        try:
            self.pod(metadata["namespace"], metadata["name"])
        except LabError:
            self.cluster.apply([manifest])
        until(running, f"pod {metadata['name']} runs", seconds=SECONDS)
        return self.pod(metadata["namespace"], metadata["name"])

    def end_pod(self, pod: NodePod, *, seconds: int | None = None) -> None:
        """Delete the pod, with its own grace or with so many seconds, and wait until it is gone."""
        metadata = pod.manifest["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{pod.name}"
        query = {} if seconds is None else {"gracePeriodSeconds": str(seconds)}
        self.kube.delete(path, params=query).raise_for_status()

        def gone() -> bool:
            found = self.kube.get(path)
            return not found.is_success or found.json()["metadata"]["uid"] != metadata["uid"]

        until(gone, f"pod {pod.name} gone", seconds=SECONDS)

    def until_pods(self, namespace: str, labels: str) -> list[NodePod]:
        """The pods with these labels once there are some and all are ready."""

        def found() -> list[NodePod]:
            items = self.listed(f"/api/v1/namespaces/{namespace}/pods", {"labelSelector": labels})
            return [NodePod(home=self.home, manifest=each) for each in items]

        def ready() -> bool:
            return bool(found()) and all(each.is_ready for each in found())

        until(ready, f"pods {labels} ready", seconds=SECONDS)
        return found()

    def end_of(self, pod: NodePod, *, seconds: float) -> dict[str, Any]:
        """The `terminated` state of a pod's one container, once it has ended."""

        def terminated() -> dict[str, Any] | None:
            statuses = self.pod(*_place(pod)).manifest["status"].get("containerStatuses", [])
            return next((each["state"].get("terminated") for each in statuses), None)

        until(terminated, f"pod {pod.name} has ended", seconds=seconds)
        return terminated() or {}

    def log_of(self, pod: NodePod) -> str:
        """What a pod's one container has written."""
        namespace, name = _place(pod)
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/log"
        return self.kube.get(path).raise_for_status().text

    def scale(self, kind: str, namespace: str, name: str, replicas: int) -> None:
        """Have so many pods of a Deployment or StatefulSet (`deployments`, `statefulsets`)."""
        self.kube.patch(
            f"/apis/apps/v1/namespaces/{namespace}/{kind}/{name}/scale",
            content=json.dumps({"spec": {"replicas": replicas}}),
            headers={"Content-Type": "application/merge-patch+json"},
        ).raise_for_status()


def _place(pod: NodePod) -> tuple[str, str]:
    return pod.manifest["metadata"]["namespace"], pod.name
