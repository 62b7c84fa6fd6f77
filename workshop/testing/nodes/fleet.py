"""A lab on real nodes with the stack's objects on it, brought up in the order of a real update."""

import hashlib
import json
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import httpx

from components.cluster.labels import CLIENT_NAMESPACE_LABELS, GATEWAY
from components.cluster.ports import HTTP_PORT
from settings.names import EXIT_TAG, GATEWAY_TAG, NAMESPACE
from workshop.lab import prometheus_operator
from workshop.lab.home import Home, LabError
from workshop.lab.kube import connect
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.node import Node
from workshop.lab.network.plan import FLEET, TETHYS, NodePlan
from workshop.lab.network.topology import Topology
from workshop.lab.node import fleet as lab
from workshop.lab.node.pod import NodePod
from workshop.lab.node.tether import tethered
from workshop.testing.network import rendered
from workshop.testing.nodes.pods import SECONDS, Pods
from workshop.testing.nodes.tailnet import ExitNodeApprover
from workshop.testing.recording import configured
from workshop.testing.waiting import until

APPLICATIONS = "applications"
_GATEWAY_LABEL = "app.kubernetes.io/name=oceanid-gateway"
# What starts by itself once it is there: tests say when.
_LATER = {"DaemonSet", "Deployment", "Job"}


@dataclass(kw_only=True)
class Fleet(ExitNodeApprover, Pods):
    """The lab in the folder `home` with the stack's objects; pods by the name of their node.

    `nodes` are those of the stack's settings; others may have joined.
    """

    topology: Topology
    nodes: list[NodePlan]
    exit_plans: list[NodePlan]
    keys: dict[str, str]
    changes: dict[str, Any]
    objects: list[dict[str, Any]]
    enforcing: bool = True

    def down_and_up(self) -> None:
        """End the lab and start it again, as `oceanid lab down` and `oceanid lab up` do."""
        lab.end(self.home)
        lab.start(self.home)
        self.topology = _topology(self.home)

    def join(self, node: str) -> None:
        """Have a node join, as `oceanid lab add-node` does; the stack's settings do not name it."""
        lab.add_node(self.home, node)
        self.topology = _topology(self.home)

    @property
    def trusted(self) -> Path:
        """The certificate of the authority that the sites' are of."""
        return lab.trust() / "public-ca.crt"

    def render(self, **unlike: str) -> None:
        """Render the stack with what is known of the tailnet, and apply what does not start later.

        `unlike` are tailnet addresses by node, where the stack is to believe others.
        """
        addresses = {}
        for plan in self.exit_plans:
            hostname = rendered.exit_hostname(plan.name)
            if plan.name in unlike:
                addresses[hostname] = unlike[plan.name]
            elif self.device(hostname) is not None:
                addresses[hostname] = self.tailnet_address(plan.name)
        objects = rendered.stack(
            self.nodes, self.exit_plans, addresses=addresses, keys=self.keys, **self.changes
        )
        self.objects = _named_anew([_as_sent(each) for each in objects if "apiVersion" in each])
        first = [each for each in self.objects if each["kind"] not in _LATER]
        if not self.enforcing:
            first = [each for each in first if each["kind"] != "NetworkPolicy"]
        first.sort(key=lambda each: each["kind"] != "Namespace")
        self.cluster.apply(first)

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """The stack's objects of a kind."""
        return [each for each in self.objects if each["kind"] == kind]

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """The stack's one object of that kind and name."""
        (found,) = [each for each in self.of_kind(kind) if each["metadata"]["name"] == name]
        return found

    def exit_node(self, node: str) -> NodePod:
        """The exit node's pod there; raises LabError while there is none."""
        return self.pod(NAMESPACE, f"{rendered.exit_hostname(node)}-0")

    def until_exit_node(self, node: str) -> NodePod:
        """The same once it is ready."""
        until(lambda: self.is_ready(self.exit_node, node), f"exit node {node}", seconds=SECONDS)
        return self.exit_node(node)

    def start_gateways(self, **unlike: str) -> None:
        """Have the DaemonSets there, rendered as `render` does."""
        self.render(**unlike)
        self.cluster.apply(self.of_kind("DaemonSet"))

    def gateway(self, node: str) -> NodePod:
        """The node's gateway; raises LabError while there is none that is to stay."""
        query = {"labelSelector": _GATEWAY_LABEL, "fieldSelector": f"spec.nodeName={node}"}
        for each in self.listed(f"/api/v1/namespaces/{NAMESPACE}/pods", query):
            if "deletionTimestamp" not in each["metadata"]:
                return NodePod(home=self.home, manifest=each)
        raise LabError(f"node {node} has no gateway")

    def until_gateways(self, *nodes: str) -> None:
        """Wait until the gateways of these nodes, or of all, take traffic."""
        for node in nodes or [plan.name for plan in self.nodes]:
            until(
                lambda name=node: self.is_ready(self.gateway, name),  # type: ignore[misc]
                f"gateway of {node} ready",
                seconds=SECONDS,
            )
            # The node's kube-proxy hears of it a moment later.
            until(lambda name=node: self._is_served(name), f"gateway of {node} in the Service")  # type: ignore[misc]

    def restart_gateway(self, node: str) -> None:
        """Have the node's gateway be a new pod, of what the DaemonSet says now."""
        with suppress(LabError):  # it may be on its way already
            self.end_pod(self.gateway(node))

    def _is_served(self, node: str) -> bool:
        with self.application(node).network.entered():
            try:
                where = (str(self.service_address(GATEWAY)), HTTP_PORT)
                socket.create_connection(where, timeout=1).close()
            except OSError:
                return False
        return True

    def application(self, node: str) -> NodePod:
        """A pod on the node, in a namespace that may use the gateways; it only sleeps."""
        name = f"application-{node}"
        return self.run(sleeper(APPLICATIONS, name, node))

    def cluster_dns(self) -> list[IPv4Address]:
        """The addresses of the cluster's DNS pods."""
        path, query = "/api/v1/namespaces/kube-system/pods", {"labelSelector": "k8s-app=kube-dns"}
        found = (each["status"].get("podIP") for each in self.listed(path, query))
        return [IPv4Address(each) for each in found if each]

    def service_address(self, name: str) -> IPv4Address:
        """A Service's address in the cluster."""
        return IPv4Address(self.get("Service", name)["spec"]["clusterIP"])

    def enforce(self, *, policies: bool) -> None:
        """Have the stack's NetworkPolicies, or none, and wait until the nodes do as they say."""
        self.enforcing = policies
        if policies:
            self.cluster.apply(self.of_kind("NetworkPolicy"))
        else:
            for each in self.of_kind("NetworkPolicy"):
                answer = self.kube.delete(self.cluster.path(each))
                if answer.status_code != httpx.codes.NOT_FOUND:
                    answer.raise_for_status()
        for node in self.topology.nodes.values():
            until(
                lambda there=node.namespace: _has_policies(there) is policies,  # type: ignore[misc]
                f"policies of {node.name}: {policies}",
                seconds=SECONDS,
            )


def sleeper(namespace: str, name: str, node: str) -> dict[str, Any]:
    """A pod that does nothing, on that node."""
    image = configured("egress")["checkImage"]
    container = {"name": "sleeper", "image": image, "command": ["sleep", "86400"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "labels": {"app": name}},
        "spec": {
            "nodeName": node,
            "containers": [container],
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
        },
    }


@contextmanager
def fleet(
    folder: Path,
    *,
    exit_nodes: Sequence[NodePlan] = (TETHYS,),
    approved: bool = True,
    **changes: Any,
) -> Iterator[Fleet]:
    """The fleet with its exit nodes running, without gateways: tests start those.

    `changes` replace keys of the stack's configuration.
    """
    home = Home(path=folder / "lab")
    home.make()
    with tethered(home):
        lab.start(home)
        with connect(home.kubeconfig) as kube:
            prometheus_operator.serve_kinds(kube)
            made = Fleet(
                home=home,
                kube=kube,
                topology=_topology(home),
                nodes=list(FLEET),
                exit_plans=list(exit_nodes),
                keys={},
                changes=changes,
                objects=[],
            )
            _bring_up(made, approved=approved)
            yield made


def _bring_up(made: Fleet, *, approved: bool) -> None:
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": APPLICATIONS, "labels": CLIENT_NAMESPACE_LABELS},
    }
    made.cluster.apply([namespace])
    for role, tag in (("exit", EXIT_TAG), ("gateway", GATEWAY_TAG)):
        body = {"keyType": "client", "scopes": ["auth_keys"], "tags": [tag], "description": role}
        made.keys[f"tailnet-{role}-client"] = made.tailnet("POST", "/tailnet/-/keys", body)["key"]
    # The exit nodes' addresses are not known yet, as in a first update.
    made.render()
    for plan in made.exit_plans:
        made.until_exit_node(plan.name)
        if approved:
            made.approve(plan.name)


def _topology(home: Home) -> Topology:
    paths = lab.namespaces(home)
    nodes = {}
    for plan in lab.members(home):
        router = f"router of {plan.name}"
        nodes[plan.name] = Node(
            plan=plan,
            namespace=Namespace(name=plan.name, path=paths[plan.name]),
            router=Namespace(name=router, path=paths[router]) if router in paths else None,
        )
    internet = Namespace(name="internet", path=paths["internet"])
    return Topology(internet=internet, nodes=nodes)


def _as_sent(manifest: dict[str, Any]) -> dict[str, Any]:
    """Without what the API server gives an object by itself."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "uid"}
    return {**manifest, "metadata": metadata}


def _named_anew(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What cannot be changed under its name gets another one for another content."""
    text = json.dumps(objects)
    for each in objects:
        if each.get("immutable"):
            name = each["metadata"]["name"]
            digest = hashlib.sha256(json.dumps(each["data"]).encode()).hexdigest()
            text = text.replace(f'"{name}"', f'"{name[:-8]}{digest[:8]}"')
    renamed: list[dict[str, Any]] = json.loads(text)
    return renamed


def _has_policies(node: Namespace) -> bool | None:
    """Whether kube-router enforces any; None while it is just changing them."""
    # It makes a chain for each policy that selects a pod of the node, and a default one.
    try:
        chains = node.run(["iptables-save", "-t", "filter"])
    except LabError:  # a rule still names a set that has just gone
        return None
    return re.search(r"^:KUBE-NWPLCY-(?!DEFAULT)", chains, re.MULTILINE) is not None
