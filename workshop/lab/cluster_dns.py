"""The cluster's DNS as an API server shows it: k3s' own configuration of CoreDNS.

Nothing of this lab answers DNS; the preflight reads whether transparent hosts would be answered.
"""

from pathlib import Path

import httpx

from workshop.lab.nodes import FLEET
from workshop.lab.waiting import until

_PATH = "/api/v1/namespaces/kube-system/configmaps"
_THERE = {httpx.codes.CREATED, httpx.codes.CONFLICT}
# k3s v1.35, manifests/coredns.yaml.
COREFILE = Path(__file__).with_name("Corefile").read_text()


def configure(api: httpx.Client) -> None:
    """Make the ConfigMap `coredns` where there is none."""
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "coredns"},
        "data": {
            "Corefile": COREFILE,
            "NodeHosts": "".join(f"{node.address} {node.name}\n" for node in FLEET),
        },
    }

    def is_there() -> bool:
        return api.post(_PATH, json=body).status_code in _THERE

    # The API server makes its namespaces after it has become ready.
    until(is_there, "ConfigMap coredns: the API server does not take it: see its log")
