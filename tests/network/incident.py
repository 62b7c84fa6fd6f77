"""The DaemonSet of the incident of 13 October 2025, run on a node of the lab as its kubelet did.

Its pods had the node's own network and process table (`hostNetwork`, `hostPID`) and privilege, so
it is the real containerboot, as root, in the node's namespace. Its flags are those of the manifest
from the incident report. Three things are not in the report and must have been so: `TS_USERSPACE`
was false, for userspace mode touches nothing of a node's network; the exit node's address was the
tailnet's; and the programs were of v1.78.3, here they are those that the lab has.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from workshop.lab.network.plan import API_PORT, TETHYS
from workshop.lab.network.process import PATH, Process
from workshop.testing.checkout import Completed, completed
from workshop.testing.network.kernel_mode import kernel_mode, until_up
from workshop.testing.nodes.fleet import Fleet
from workshop.testing.nodes.tailnet import DEFAULT_ROUTES
from workshop.testing.recording import REPOSITORY
from workshop.testing.waiting import until

_MANIFEST = REPOSITORY / "tests" / "policies" / "manifests" / "incident.yaml"
_REPORTED_EXIT_NODE = "100.121.150.65"
_EXIT_HOSTNAME = f"incident-{TETHYS.name}"
FIREWALLS = ("iptables-legacy", "nftables")
"""What the image's programs write their packet filter with: its own iptables, or the kernel's."""


@dataclass(frozen=True, kw_only=True)
class IncidentNode:
    """A node on which the incident's pod runs; `process` is the node's init and all it started."""

    process: Process

    def run(self, text: str) -> Completed:
        """A root shell's commands on the node, as from its console; it stops at the first error."""
        spaces = (f"--target={self.process.pid}", "--mount", "--net", "--pid")
        environment = {"PATH": PATH, "API_SERVER": f"{TETHYS.address}:{API_PORT}"}
        return completed("nsenter", *spaces, "--", "sh", "-ec", text, environment=environment)

    def tailscale_runs(self) -> bool:
        """Whether the node has a process of the pod's."""
        return self.run("pgrep -x 'containerboot|tailscaled'").returncode == 0


@contextmanager
def exit_node_of_the_time(fleet: Fleet, folder: Path) -> Iterator[None]:
    """The other DaemonSet's pod, on the control plane's node.

    Not approved: the audit of the same day (its section on gaps) found that nobody had done so.
    """
    node = fleet.topology.nodes[TETHYS.name].namespace
    with kernel_mode(
        fleet, node, folder, _EXIT_HOSTNAME, {"TS_EXTRA_ARGS": "--advertise-exit-node"}
    ):
        until(lambda: bool(_exit_node(fleet).get("advertisedRoutes")), "an exit node", seconds=60)
        yield


@contextmanager
def approved(fleet: Fleet) -> Iterator[None]:
    """As if somebody had approved it, for as long as the block lasts."""
    path = f"/device/{_exit_node(fleet)['nodeId']}/routes"
    fleet.tailnet("POST", path, {"routes": DEFAULT_ROUTES})
    try:
        yield
    finally:
        fleet.tailnet("POST", path, {"routes": []})


@contextmanager
def incident_on(
    fleet: Fleet, node: str, folder: Path, *, firewall: str = FIREWALLS[0]
) -> Iterator[IncidentNode]:
    """The incident's pod on this node, up, for as long as the block lasts."""
    environment = _reported_environment(_exit_node(fleet)["addresses"][0])
    if firewall == "nftables":
        environment["TS_DEBUG_FIREWALL_MODE"] = firewall
    namespace = fleet.topology.nodes[node].namespace
    with kernel_mode(fleet, namespace, folder, f"incident-{node}", environment) as process:
        until_up(process)
        yield IncidentNode(process=process)


def _exit_node(fleet: Fleet) -> dict[str, Any]:
    return fleet.device(_EXIT_HOSTNAME) or {}


def _reported_environment(exit_node: str) -> dict[str, str]:
    """The manifest's plain variables, with the tailnet's exit node for the one of 2025."""
    daemon_set = list(yaml.safe_load_all(_MANIFEST.read_text()))[1]
    container: dict[str, Any] = daemon_set["spec"]["template"]["spec"]["containers"][0]
    reported = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    assert _REPORTED_EXIT_NODE in reported["TS_EXTRA_ARGS"]
    return {name: value.replace(_REPORTED_EXIT_NODE, exit_node) for name, value in reported.items()}
