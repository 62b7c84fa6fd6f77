"""A fleet in the network lab with the stack on it, brought up in the order of a real update."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from components.cluster.labels import CLIENT_NAMESPACE_LABELS
from settings.names import EXIT_TAG, GATEWAY_TAG
from workshop.lab.network.cluster import Cluster
from workshop.lab.network.internet import Internet
from workshop.lab.network.network_policy import selects
from workshop.lab.network.plan import FLEET, TETHYS, NodePlan
from workshop.lab.network.pod import RunningPod
from workshop.lab.network.topology import Topology, laid
from workshop.testing.network import rendered
from workshop.testing.waiting import until

APPLICATIONS = "applications"
_HOSTNAME = "kubernetes.io/hostname"
DEFAULT_ROUTES = ["0.0.0.0/0", "::/0"]


@dataclass(kw_only=True)
class Fleet:
    """The topology, the cluster on it, and what runs there; pods by the name of their node."""

    topology: Topology
    internet: Internet
    cluster: Cluster
    nodes: list[NodePlan]
    exit_plans: list[NodePlan]
    keys: dict[str, str]
    changes: dict[str, Any]
    exit_nodes: dict[str, RunningPod] = field(default_factory=dict)
    gateways: dict[str, RunningPod] = field(default_factory=dict)
    applications: dict[str, RunningPod] = field(default_factory=dict)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the tailnet's API, as its administrator."""
        with self.topology.internet.entered(), self.internet.tailnet_api() as client:
            answer = client.request(method, f"/api/v2{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def device(self, hostname: str) -> dict[str, Any] | None:
        """The tailnet's device of that host name, None while there is none."""
        found = self.api("GET", f"/tailnet/-/devices?hostname={hostname}&fields=all")["devices"]
        return found[-1] if found else None

    def tailnet_address(self, node: str) -> str:
        """The tailnet address of the exit node there."""
        device = self.device(rendered.exit_hostname(node))
        assert device is not None
        return str(device["addresses"][0])

    def approve(self, node: str, routes: Sequence[str] = DEFAULT_ROUTES) -> None:
        """Approve, or with no routes disapprove, the exit node there, as the stack does: by API."""
        device = self.device(rendered.exit_hostname(node))
        assert device is not None
        self.api("POST", f"/device/{device['nodeId']}/routes", {"routes": list(routes)})

    def render(self, **unlike: str) -> None:
        """Render the stack with what is known of the tailnet, and have the cluster follow.

        `unlike` are tailnet addresses by node, where the stack is to believe others.
        """
        addresses = {
            rendered.exit_hostname(name): unlike.get(name) or self.tailnet_address(name)
            for name in self.exit_nodes
        }
        objects = rendered.stack(
            self.nodes, self.exit_plans, addresses=addresses, keys=self.keys, **self.changes
        )
        self.cluster.update(objects)

    def start_exit_node(self, node: str) -> RunningPod:
        """The exit node's pod of the StatefulSet that is pinned there, ready."""
        name = rendered.exit_hostname(node)
        pod = self.exit_nodes[node] = self.cluster.start_pod("StatefulSet", name, node)
        pod.until_ready()
        return pod

    def start_gateway(self, node: str) -> RunningPod:
        """The gateway of the DaemonSet whose wave takes the node; not waited for."""
        (wave,) = [
            each["metadata"]["name"]
            for each in self.cluster.manifests.of_kind("DaemonSet")
            if _takes(each, node)
        ]
        pod = self.gateways[node] = self.cluster.start_pod("DaemonSet", wave, node)
        return pod

    def until_ready(self, *nodes: str, seconds: float = 60.0) -> None:
        """Wait until the gateways of these nodes, or of all, take traffic."""
        for node in nodes or tuple(self.gateways):
            ready = partial(self.cluster.is_ready, self.gateways[node])
            until(ready, f"gateway of {node} ready", seconds=seconds)

    def application(self, node: str) -> RunningPod:
        """A pod on the node, in a namespace that may use the gateways; nothing runs in it."""
        if node not in self.applications:
            metadata = {"name": f"application-{node}", "namespace": APPLICATIONS}
            manifest = {"kind": "Pod", "metadata": metadata, "spec": {"containers": []}}
            self.applications[node] = self.cluster.run(manifest, node)
        return self.applications[node]


@contextmanager
def fleet(
    folder: Path,
    *,
    nodes: Sequence[NodePlan] = FLEET,
    exit_nodes: Sequence[NodePlan] = (TETHYS,),
    approved: bool = True,
    **changes: Any,
) -> Iterator[Fleet]:
    """The fleet with its exit nodes running, without gateways: tests start those they want.

    `changes` replace keys of the stack's configuration.
    """
    with laid(nodes) as topology:
        internet = Internet.start(topology.internet, folder / "internet")
        cluster = Cluster.make(topology, internet, folder / "cluster", TETHYS.name)
        try:
            made = Fleet(
                topology=topology,
                internet=internet,
                cluster=cluster,
                nodes=list(nodes),
                exit_plans=list(exit_nodes),
                keys={},
                changes=changes,
            )
            _bring_up(made, approved=approved)
            yield made
        finally:
            cluster.end()
            internet.end()


def _bring_up(made: Fleet, *, approved: bool) -> None:
    metadata = {"name": APPLICATIONS, "labels": CLIENT_NAMESPACE_LABELS}
    made.cluster.manifests.apply([{"kind": "Namespace", "metadata": metadata}])
    for role, tag in (("exit", EXIT_TAG), ("gateway", GATEWAY_TAG)):
        body = {"keyType": "client", "scopes": ["auth_keys"], "tags": [tag], "description": role}
        created = made.api("POST", "/tailnet/-/keys", body)
        made.keys[f"tailnet-{role}-client"] = created["key"]
    # The exit nodes' addresses are not known yet, as in a first update.
    made.render()
    made.cluster.serve_api()
    for plan in made.exit_plans:
        made.start_exit_node(plan.name)
        if approved:
            made.approve(plan.name)
    made.render()


def _takes(daemon_set: dict[str, Any], node: str) -> bool:
    affinity = daemon_set["spec"]["template"]["spec"].get("affinity") or {}
    required = (affinity.get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    if required is None:
        return True
    return any(selects(term, {_HOSTNAME: node}) for term in required["nodeSelectorTerms"])
