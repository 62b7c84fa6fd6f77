"""The incident on a lab on real nodes: applied, seen, and taken away again."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx

from workshop.lab.home import LabError
from workshop.lab.kube import Objects
from workshop.lab.network.plan import TETHYS
from workshop.lab.node import spec
from workshop.lab.nodes import is_ready
from workshop.lab.outage import daemon_set
from workshop.lab.outage.console import NodeConsole, runbook
from workshop.lab.tailnet import TailnetAdministrator
from workshop.lab.tailscale_api.policy import EXIT_ROUTES
from workshop.lab.waiting import until

_DAEMON_SETS = f"/apis/apps/v1/namespaces/{daemon_set.NAMESPACE}/daemonsets"
_PODS = f"/api/v1/namespaces/{daemon_set.NAMESPACE}/pods"
# containerboot says so after `tailscale up` has made its settings hold.
_UP = "Startup complete"
_SECONDS = 90.0
EXIT_NODE = TETHYS
"""The node whose pod offered itself as an exit node: the control plane's."""


@dataclass(kw_only=True)
class Incident(TailnetAdministrator):
    """What the operators did, on the lab in the folder `home` whose API server is `kube`."""

    kube: httpx.Client

    @cached_property
    def objects(self) -> Objects:
        """The API server's objects."""
        return Objects(self.kube)

    def start_exit_node(self) -> None:
        """Have the exit node of the time on its node.

        Nobody has approved it: the audit of the same day, its section on gaps.
        """
        create = {"reusable": True, "ephemeral": True, "preauthorized": True}
        body = {"capabilities": {"devices": {"create": create}}, "expirySeconds": 3600}
        key = str(self.tailnet("POST", "/tailnet/-/keys", body)["key"])
        self.objects.apply(
            [
                daemon_set.namespace(),
                daemon_set.secret(key),
                daemon_set.exit_node(EXIT_NODE.name),
            ]
        )
        until(
            lambda: bool(self._exit_node().get("advertisedRoutes")),
            f"the exit node on {EXIT_NODE.name} is not in the tailnet",
            seconds=_SECONDS,
        )

    def approve(self, *, approved: bool) -> None:
        """Approve that exit node, or take it back."""
        self.set_routes(daemon_set.hostname(EXIT_NODE.name), EXIT_ROUTES if approved else ())

    def apply(
        self, *nodes: str, firewall: str = "nftables", dry_run: bool = False
    ) -> httpx.Response:
        """`kubectl apply` of the worker's DaemonSet for those nodes: what the API server says.

        Its namespace is in the same manifest, and is taken.
        """
        self.objects.apply([daemon_set.namespace()])
        # Where there is no exit node yet: the address of the report.
        address = str((self._exit_node().get("addresses") or [daemon_set.REPORTED_EXIT_NODE])[0])
        manifest = daemon_set.worker(*nodes, exit_node=address, firewall=firewall)
        query = {"dryRun": "All"} if dry_run else {}
        return self.kube.post(_DAEMON_SETS, json=manifest, params=query)

    def refusal(self, *nodes: str) -> str | None:
        """The API server's words where it refuses the DaemonSet; None where it takes it."""
        answer = self.apply(*nodes)
        if answer.is_success:
            return None
        if answer.status_code != httpx.codes.FORBIDDEN:
            raise LabError(f"the API server says {answer.status_code}: {answer.text[:300]}")
        return str(answer.json()["message"])

    def until_up(self, node: str) -> None:
        """Wait until the worker's pod on the node has made its settings hold.

        By its log on the node itself: nobody reaches the kubelet of a node that is cut off.
        """
        until(lambda: self._is_up(node), f"the pod on {node} does not come up", seconds=_SECONDS)

    def delete(self) -> None:
        """Delete the worker's DaemonSet, as the runbook does before anything else."""
        answer = self.kube.delete(f"{_DAEMON_SETS}/{daemon_set.WORKER}")
        if not answer.is_success and answer.status_code != httpx.codes.NOT_FOUND:
            raise LabError(f"DaemonSet {daemon_set.WORKER}: not deleted: {answer.text[:300]}")

    def recover(self, node: str) -> None:
        """Everything that the runbook has a person do on the node, in its order.

        Raises LabError where one of its commands fails.
        """
        console = NodeConsole(home=self.home, name=node)
        console.stop_kubelet()
        for block in runbook()[1:-1]:
            done = console.run(block.text)
            if done.returncode != 0:
                raise LabError(f"{node}: {block.name} fails: {done.stderr.strip()[-300:]}")
        console.start_kubelet()

    def until_gone(self) -> None:
        """Wait until the kubelets have removed the worker's pods, and all nodes are Ready."""
        until(lambda: not self._pods(), "the deleted DaemonSet's pods stay", seconds=_SECONDS)
        until(lambda: not self.not_ready(), "a node stays NotReady", seconds=_SECONDS)

    def not_ready(self) -> dict[str, str]:
        """What the API server says of each node that is not Ready."""
        nodes = self.kube.get("/api/v1/nodes").raise_for_status().json()["items"]
        return {node["metadata"]["name"]: _why(node) for node in nodes if not is_ready(node)}

    def _exit_node(self) -> dict[str, Any]:
        return self.device(daemon_set.hostname(EXIT_NODE.name)) or {}

    def _is_up(self, node: str) -> bool:
        logs = spec.folder(self.home, node) / "log" / "pods"
        names = (
            f"{daemon_set.NAMESPACE}_{pod['metadata']['name']}_{pod['metadata']['uid']}"
            for pod in self._pods()
            if pod["spec"].get("nodeName") == node
        )
        files = (file for name in names for file in (logs / name).glob("*/*.log"))
        return any(_UP in file.read_text(errors="replace") for file in files)

    def _pods(self) -> list[dict[str, Any]]:
        query = {"labelSelector": f"app={daemon_set.WORKER}"}
        pods: list[dict[str, Any]] = self.kube.get(_PODS, params=query).json()["items"]
        return pods


def _why(node: dict[str, Any]) -> str:
    conditions = node["status"].get("conditions", [])
    told: list[dict[str, Any]] = [each for each in conditions if each["type"] == "Ready"]
    ready = told[0] if told else {}
    return str(ready.get("message") or ready.get("status") or "it has not reported")
