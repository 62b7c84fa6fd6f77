"""The cluster's DNS as an API server shows it: k3s' own configuration of CoreDNS.

Nothing of this lab answers DNS; the preflight reads whether transparent hosts would be answered.
"""

import httpx

from workshop.lab.nodes import FLEET
from workshop.lab.waiting import until

_PATH = "/api/v1/namespaces/kube-system/configmaps"
_THERE = {httpx.codes.CREATED, httpx.codes.CONFLICT}
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

    def is_there() -> bool:
        return api.post(_PATH, json=body).status_code in _THERE

    # The API server makes its namespaces after it has become ready.
    until(is_there, "ConfigMap coredns: the API server does not take it: see its log")
