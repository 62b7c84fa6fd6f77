"""Services: where each port leads from each node, and the names that the cluster's DNS has."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from workshop.lab.network.network_policy import selects
from workshop.lab.network.node import Endpoint, Node
from workshop.lab.network.plan import API_PORT, API_SERVICE, CLUSTER_DNS
from workshop.lab.network.pod import RunningPod

_DNS_PORT, _TLS_PORT = 53, 443


@dataclass(frozen=True, kw_only=True)
class Services:
    """The cluster's Services and its ready pods, with those apart that are about to end."""

    manifests: Sequence[dict[str, Any]]
    ready: Sequence[RunningPod]
    terminating: Sequence[RunningPod]
    api_server: IPv4Address
    dns: IPv4Address

    def table(self, node: Node) -> tuple[dict[Endpoint, Endpoint], dict[Endpoint, Endpoint]]:
        """The TCP and UDP ports as they lead from the node, by kube-proxy's rules."""
        tcp: dict[Endpoint, Endpoint] = {
            (API_SERVICE, _TLS_PORT): (self.api_server, API_PORT),
            (CLUSTER_DNS, _DNS_PORT): (self.dns, _DNS_PORT),
        }
        udp: dict[Endpoint, Endpoint] = {(CLUSTER_DNS, _DNS_PORT): (self.dns, _DNS_PORT)}
        for service in self.manifests:
            spec = service["spec"]
            if spec.get("clusterIP") in (None, "None"):
                continue
            local = spec.get("internalTrafficPolicy") == "Local"
            # Those that end serve as long as there is no other (KEP-1669).
            behind = self._behind(service, self.ready, node if local else None) or self._behind(
                service, self.terminating, node if local else None
            )
            for port in spec["ports"] if behind else ():
                place = (IPv4Address(spec["clusterIP"]), int(port["port"]))
                target = (behind[0].sandbox.address, int(port.get("targetPort") or port["port"]))
                (udp if port.get("protocol") == "UDP" else tcp)[place] = target
        return tcp, udp

    def names(self) -> dict[str, list[IPv4Address]]:
        """The names below cluster.local: of a headless Service those of its ready pods."""
        found = {"kubernetes.default.svc": [API_SERVICE]}
        for service in self.manifests:
            metadata, address = service["metadata"], service["spec"].get("clusterIP")
            name = f"{metadata['name']}.{metadata['namespace']}.svc"
            found[name] = (
                [pod.sandbox.address for pod in self._behind(service, self.ready)]
                if address == "None"
                else [IPv4Address(address)]
            )
        return found

    def _behind(
        self, service: dict[str, Any], pods: Sequence[RunningPod], node: Node | None = None
    ) -> list[RunningPod]:
        selector = {"matchLabels": service["spec"].get("selector") or {}}
        return [
            pod
            for pod in pods
            if node in (None, pod.sandbox.node)
            and pod.pod.namespace == service["metadata"]["namespace"]
            and selects(selector, pod.labels)
        ]
