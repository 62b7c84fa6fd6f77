"""`lab up` waits for nodes that are not ready yet, and not for what an operator wants of them."""

import httpx
import pytest

from workshop.lab.home import LabError
from workshop.lab.nodes import FLEET, wait_until_ready


def _nodes(*taints: str) -> httpx.Client:
    """An API server whose nodes are Ready and have these taints."""
    items = [
        {
            "metadata": {"name": node.name},
            "spec": {"taints": [{"key": key, "effect": "NoSchedule"} for key in taints]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }
        for node in FLEET
    ]
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"items": items}))
    return httpx.Client(transport=transport, base_url="http://api")


@pytest.mark.parametrize("taint", ["node.kubernetes.io/unschedulable", "dedicated"])
def test_a_node_that_is_cordoned_or_reserved_is_ready(taint: str) -> None:
    wait_until_ready(_nodes(taint), seconds=0)


@pytest.mark.parametrize("state", ["not-ready", "unreachable", "network-unavailable"])
def test_a_node_that_kubernetes_keeps_pods_from_is_not(state: str) -> None:
    with pytest.raises(LabError, match="nodes not Ready: calypso, styx, tethys"):
        wait_until_ready(_nodes("dedicated", f"node.kubernetes.io/{state}"), seconds=0)
