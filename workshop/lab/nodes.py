"""The simulated nodes: the operators' three machines, with their labels and addresses.

From the operators' documents of 12 and 13 October 2025. kwok keeps their heartbeats and runs their
pods in appearance only.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from workshop.lab.home import LabError
from workshop.lab.network import plan

_SECONDS_TO_BE_READY = 30.0
# What Kubernetes itself sets on a node that is not ready yet, and takes off when it is (its
# documentation, "Taints and Tolerations"). Any other says what somebody wants of the node.
_NOT_READY = frozenset(
    f"node.kubernetes.io/{state}" for state in ("network-unavailable", "not-ready", "unreachable")
)


@dataclass(frozen=True, kw_only=True)
class Node:
    """A simulated node: its name, address, and labels beyond those a kubelet sets."""

    name: str
    address: str
    labels: dict[str, str]

    def manifest(self) -> dict[str, object]:
        """The Node object as a k3s agent would register it."""
        labels = {
            "kubernetes.io/hostname": self.name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "oceanid.node/name": self.name,
            **self.labels,
        }
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": self.name,
                "labels": labels,
                "annotations": {"kwok.x-k8s.io/node": "fake"},
            },
            "status": {
                "addresses": [
                    {"type": "InternalIP", "address": self.address},
                    {"type": "Hostname", "address": self.name},
                ],
                "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110"},
                "capacity": {"cpu": "8", "memory": "32Gi", "pods": "110"},
            },
        }


_ROLE = "node-role.kubernetes.io"

_LABELS = {
    "tethys": {f"{_ROLE}/control-plane": "true", f"{_ROLE}/master": "true"},
    "calypso": {f"{_ROLE}/gpu": "true"},
}

FLEET = tuple(
    Node(name=node.name, address=str(node.address), labels=_LABELS.get(node.name, {}))
    for node in plan.FLEET
)


def register(api: httpx.Client, nodes: tuple[Node, ...] = FLEET) -> list[str]:
    """Create the nodes the cluster lacks and return their names; leave the others alone."""
    created = []
    for node in nodes:
        answer = api.post("/api/v1/nodes", json=node.manifest())
        if answer.status_code == httpx.codes.CREATED:
            created.append(node.name)
        elif answer.status_code != httpx.codes.CONFLICT:
            raise LabError(f"node {node.name}: the API server answers {answer.status_code}")
    return created


def wait_until_ready(
    api: httpx.Client, nodes: tuple[Node, ...] = FLEET, *, seconds: float = _SECONDS_TO_BE_READY
) -> None:
    """Return when every node is Ready and accepts pods; raise LabError after `seconds`."""
    deadline = time.monotonic() + seconds
    waiting = {node.name for node in nodes}
    while waiting:
        for item in api.get("/api/v1/nodes").raise_for_status().json()["items"]:
            if is_ready(item) and not unready_taints(item):
                waiting.discard(item["metadata"]["name"])
        if waiting and time.monotonic() > deadline:
            raise LabError(f"nodes not Ready: {', '.join(sorted(waiting))}: see kwok's log")
        time.sleep(0.1)


def unready_taints(node: dict[str, Any]) -> list[str]:
    """The keys of a Node object's taints that say that it is not ready yet."""
    return [str(t["key"]) for t in node["spec"].get("taints", []) if t["key"] in _NOT_READY]


def is_ready(manifest: Mapping[str, Any]) -> bool:
    """Whether the condition `Ready` of a Node or a Pod is true."""
    conditions = manifest["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
