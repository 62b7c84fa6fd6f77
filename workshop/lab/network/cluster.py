"""The lab's cluster: the rendered objects, and what a control plane and kubelets make of them."""

import json
import socket
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from workshop.lab.network.cluster_api import new_token
from workshop.lab.network.cluster_dns import DOMAIN, LABELS, NAMESPACE, ClusterDns
from workshop.lab.network.image import Surroundings
from workshop.lab.network.internet import Internet
from workshop.lab.network.manifests import Manifest, Manifests
from workshop.lab.network.network_policy import PolicyPod, admitted, ruleset
from workshop.lab.network.plan import API_PORT, API_SERVICE, CLUSTER_DNS
from workshop.lab.network.pod import RunningPod
from workshop.lab.network.process import Process, python, python_environment
from workshop.lab.network.readiness import Readiness
from workshop.lab.network.services import Services
from workshop.lab.network.topology import Topology
from workshop.lab.pki import Authority
from workshop.lab.private_file import write_private
from workshop.lab.simulated_devices.pod import Pod

_TLS_PORT = "443"


@dataclass(kw_only=True)
class Cluster:
    """One cluster on a topology. `folder` keeps its pods; its control plane is on `server`."""

    topology: Topology
    internet: Internet
    folder: Path
    server: str
    manifests: Manifests
    dns: ClusterDns
    authority: Authority
    pods: dict[str, RunningPod] = field(default_factory=dict)
    enforcing: bool = True
    _readiness: dict[str, Readiness] = field(default_factory=dict)
    _terminating: set[str] = field(default_factory=set)
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    _api: Process | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @classmethod
    def make(cls, topology: Topology, internet: Internet, folder: Path, server: str) -> "Cluster":
        """A cluster without objects; `server` is the node of its control plane and its DNS."""
        folder.mkdir(mode=0o700, parents=True)
        authority = Authority(folder=folder, name="cluster-ca")
        sandbox = topology.nodes[server].add_pod("coredns")
        dns = ClusterDns(sandbox=sandbox, folder=folder / "coredns")
        manifests = Manifests(authority.pair.certificate.read_text())
        namespaces = [{"kind": "Namespace", "metadata": {"name": name}} for name in (NAMESPACE,)]
        manifests.apply(namespaces)
        return cls(
            topology=topology,
            internet=internet,
            folder=folder,
            server=server,
            manifests=manifests,
            dns=dns,
            authority=authority,
        )

    @property
    def api_address(self) -> IPv4Address:
        """The API server's own address."""
        return self.topology.nodes[self.server].plan.address

    def update(self, stack: Iterable[Manifest]) -> None:
        """Have the stack be these objects, and services, names and policies follow."""
        self.manifests.update(stack)
        self.follow()

    def serve_api(self) -> None:
        """Start the API server's stand-in with the Secrets and rights that the objects say."""
        hosts = (str(self.api_address), str(API_SERVICE))
        pair = self.authority.issue("api", user="kube-apiserver", hosts=hosts)
        accounts = [each["metadata"] for each in self.manifests.of_kind("ServiceAccount")]
        objects = {
            "accounts": [
                {"namespace": each["namespace"], "name": each["name"]}
                | {"token": self._token(each["namespace"], each["name"])}
                for each in accounts
            ],
            "roles": self.manifests.of_kind("Role"),
            "bindings": self.manifests.of_kind("RoleBinding"),
            "secrets": self.manifests.of_kind("Secret"),
        }
        file = self.folder / "api-objects.json"
        write_private(file, json.dumps(objects))
        where = (f"--address={self.api_address}", f"--port={API_PORT}", f"--objects={file}")
        tls = (f"--certificate={pair.certificate}", f"--key={pair.key}")
        node = self.topology.nodes[self.server]
        self._api = Process.start(
            "cluster-api",
            node.namespace,
            python("workshop.lab.network.cluster_api", *where, *tls),
            log=self.folder / "cluster-api.log",
            environment=python_environment(),
        )

        def listening() -> bool:
            with node.namespace.entered():
                try:
                    socket.create_connection((str(self.api_address), API_PORT), timeout=1).close()
                except OSError:
                    return False
            return True

        self._api.until(listening, "listening")

    def start_pod(self, kind: str, name: str, node: str) -> RunningPod:
        """A pod from the template of a StatefulSet, DaemonSet or Job, on this node."""
        workload = self.manifests.get(kind, name)
        template = workload["spec"]["template"]
        suffix = "0" if kind == "StatefulSet" else uuid.uuid4().hex[:5]
        return self.run(
            {
                "kind": "Pod",
                "metadata": {
                    **template["metadata"],
                    "namespace": workload["metadata"]["namespace"],
                    "name": f"{name}-{suffix}",
                },
                "spec": template["spec"],
            },
            node,
        )

    def run(self, manifest: dict[str, Any], node: str) -> RunningPod:
        """A pod from its manifest, on this node, whose policies hold before it says a word."""
        metadata = {**manifest["metadata"], "uid": str(uuid.uuid4())}
        sandbox = self.topology.nodes[node].add_pod(metadata["name"])
        addresses = {
            "hostIP": str(sandbox.node.plan.address),
            "podIP": str(sandbox.address),
        }
        pod = Pod(
            {
                **manifest,
                "metadata": metadata,
                "spec": {**manifest["spec"], "nodeName": node},
                "status": {"phase": "Running", **addresses},
            }
        )
        running = RunningPod(
            pod=pod,
            sandbox=sandbox,
            folder=self.folder / metadata["uid"],
            manifests=self.manifests,
            surroundings=self._surroundings(pod, sandbox.node.plan.resolver),
            cluster_environment={
                "KUBERNETES_SERVICE_HOST": str(API_SERVICE),
                "KUBERNETES_SERVICE_PORT": _TLS_PORT,
                "KUBERNETES_SERVICE_PORT_HTTPS": _TLS_PORT,
            },
            token=self._token(pod.namespace, pod.service_account),
        )
        with self._lock:
            self.pods[running.name] = running
        self.follow()
        running.start()
        self._readiness[running.name] = Readiness(pod=running, changed=self.follow)
        self._readiness[running.name].start()
        return running

    def is_ready(self, pod: RunningPod) -> bool:
        """Whether the pod is among its Services' endpoints."""
        return self._readiness[pod.name].ready

    def terminate(self, pod: RunningPod) -> None:
        """End a pod as a roll-out does: out of the Services first, then its hooks and signals."""
        self._terminating.add(pod.name)
        self.follow()
        pod.terminate()
        self._forget(pod)

    def kill(self, pod: RunningPod) -> None:
        """End a pod at once."""
        pod.kill()
        self._forget(pod)

    def enforce(self, *, policies: bool) -> None:
        """Whether the NetworkPolicies hold, as with or without a network plugin that knows them."""
        self.enforcing = policies
        self.follow()

    def follow(self) -> None:
        """Put services, names and policies right after a change."""
        with self._lock:
            states = list(self._readiness.items())
            ready = [self.pods[name] for name, each in states if each.ready]
            services = Services(
                manifests=self.manifests.of_kind("Service"),
                ready=[pod for pod in ready if pod.name not in self._terminating],
                terminating=[pod for pod in ready if pod.name in self._terminating],
                api_server=self.api_address,
                dns=self.dns.sandbox.address,
            )
            rules = self._rules()
            for node in self.topology.nodes.values():
                node.set_services(*services.table(node))
                node.namespace.nft(rules[node.name])
            custom = self.manifests.data("configmaps", NAMESPACE, "coredns-custom") or {}
            texts = {key: value.decode() for key, value in custom.items()}
            self.dns.serve(services.names(), texts)

    def _rules(self) -> dict[str, str]:
        dns = PolicyPod(namespace=NAMESPACE, labels=LABELS, address=self.dns.sandbox.address)
        everyone = [dns, *(_as_policies_see(pod) for pod in self.pods.values())]
        policies = self.manifests.of_kind("NetworkPolicy") if self.enforcing else []
        namespaces = self.manifests.namespace_labels()
        return {
            name: ruleset(
                {
                    pod.sandbox.interface: admitted(
                        _as_policies_see(pod), policies, everyone, namespaces
                    )
                    for pod in self.pods.values()
                    if pod.sandbox.node is node
                }
            )
            for name, node in self.topology.nodes.items()
        }

    def _forget(self, pod: RunningPod) -> None:
        self._readiness.pop(pod.name).end()
        with self._lock:
            self.pods.pop(pod.name, None)
            self._terminating.discard(pod.name)
        self.follow()

    def _surroundings(self, pod: Pod, resolver: IPv4Address) -> Surroundings:
        """What `dnsPolicy` means on a node that asks `resolver`, and whom the lab's pods trust."""
        nodes_own = pod.manifest["spec"].get("dnsPolicy") == "Default"
        searches = (f"{pod.namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN)
        return Surroundings(
            hostname=pod.name[:63],
            nameserver=str(resolver if nodes_own else CLUSTER_DNS),
            searches=() if nodes_own else searches,
            roots=self.internet.authority.pair.certificate.read_text(),
        )

    def _token(self, namespace: str, account: str) -> str:
        return self._tokens.setdefault((namespace, account), new_token())

    def end_api(self) -> None:
        """End the API server's stand-in; what it kept is gone with it."""
        if self._api is not None:
            self._api.kill()

    def end(self) -> None:
        """End every pod and the control plane."""
        for name in list(self._readiness):
            self._readiness.pop(name).end()
        for pod in list(self.pods.values()):
            pod.kill()
        self.dns.end()
        self.dns.sandbox.end()
        self.end_api()


def _as_policies_see(pod: RunningPod) -> PolicyPod:
    return PolicyPod(namespace=pod.pod.namespace, labels=pod.labels, address=pod.sandbox.address)
