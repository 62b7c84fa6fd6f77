"""The cluster's DNS as an API server shows it: k3s' own configuration of CoreDNS.

Nothing of this lab answers DNS; the preflight reads whether transparent hosts would be answered.
"""

from __future__ import annotations

import time

import httpx

from lab.home import LabError
from lab.nodes import FLEET

_PATH = "/api/v1/namespaces/kube-system/configmaps"
# The API server makes its namespaces after it has become ready.
_SECONDS = 30.0
# k3s v1.35, manifests/coredns.yaml.
COREFILE = """.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
    }
    hosts /etc/coredns/NodeHosts {
      ttl 60
      reload 15s
      fallthrough
    }
    prometheus :9153
    cache 30
    loop
    reload
    loadbalance
    import /etc/coredns/custom/*.override
    forward . /etc/resolv.conf
}
import /etc/coredns/custom/*.server
"""


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
    deadline = time.monotonic() + _SECONDS
    while True:
        answer = api.post(_PATH, json=body)
        if answer.is_success or answer.status_code == httpx.codes.CONFLICT:
            return
        if time.monotonic() > deadline:
            raise LabError(f"ConfigMap coredns: the API server answers {answer.status_code}")
        time.sleep(0.1)
