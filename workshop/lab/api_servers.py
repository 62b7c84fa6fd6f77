"""The endpoints of the lab's `kubernetes` Service: an API server on each of its three nodes.

The real one listens on loopback, an address that no endpoint may have, and publishes none
[workshop/lab/control_plane.py]. A cluster with several servers names each of them like this.
"""

import json

import httpx

from workshop.lab.home import LabError
from workshop.lab.nodes import FLEET, Node

_SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
_NAME = "kubernetes"
_PORT = 6443


def publish(api: httpx.Client, nodes: tuple[Node, ...] = FLEET) -> None:
    """Have the endpoints name one on each of `nodes`, and no other; raises LabError."""
    manifest = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": _NAME, "labels": {"kubernetes.io/service-name": _NAME}},
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": [node.address], "conditions": {"ready": True}} for node in nodes
        ],
        "ports": [{"name": "https", "port": _PORT, "protocol": "TCP"}],
    }
    answer = api.patch(
        f"{_SLICES}/{_NAME}",
        params={"fieldManager": "oceanid-lab", "force": "true"},
        headers={"Content-Type": "application/apply-patch+yaml"},
        content=json.dumps(manifest),
    )
    if not answer.is_success:
        raise LabError(f"the API servers' endpoints: the API server answers {answer.status_code}")
