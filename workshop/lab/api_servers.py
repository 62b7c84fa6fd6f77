"""The endpoints of the lab's `kubernetes` Service: an API server on each of its three nodes.

The real one listens on loopback, an address that no endpoint may have, and publishes none
[workshop/lab/control_plane.py]. A cluster with several servers names each of them like this.
"""

import httpx

from workshop.lab.kube import Objects
from workshop.lab.nodes import FLEET, Node

_NAME = "kubernetes"
_PORT = 6443


def publish(api: httpx.Client, nodes: tuple[Node, ...] = FLEET) -> None:
    """Have the endpoints name one on each of `nodes`, and no other; raises LabError."""
    labels = {"kubernetes.io/service-name": _NAME}
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": _NAME, "namespace": "default", "labels": labels},
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": [node.address], "conditions": {"ready": True}} for node in nodes
        ],
        "ports": [{"name": "https", "port": _PORT, "protocol": "TCP"}],
    }
    Objects(api).apply([slice_])
