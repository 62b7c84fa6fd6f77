"""A node's own console: commands that run on it whatever has become of its network."""

import os
import signal
import subprocess
from dataclasses import dataclass

from workshop.lab.home import Home
from workshop.lab.network.plan import API_PORT, TETHYS
from workshop.lab.node import fleet, health
from workshop.lab.runbook import FOLDER, Block, Where, blocks
from workshop.lab.waiting import until

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SECONDS = 60.0


def runbook() -> list[Block]:
    """What the recovery runbook has a person run on the node: check, end, remove, verify."""
    found = blocks(FOLDER / "node-network-recovery.md")
    return [block for block in found if block.where is Where.NETWORK]


@dataclass(frozen=True, kw_only=True)
class NodeConsole:
    """Root's, on the node `name` of the lab in the folder `home`."""

    home: Home
    name: str

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        """Commands of a shell that stops at the first error."""
        spaces = (f"--target={fleet.init_pid(self.home, self.name)}", "--mount", "--net", "--pid")
        return subprocess.run(
            ["nsenter", *spaces, "--", "sh", "-ec", text],
            env={"PATH": _PATH, "API_SERVER": f"{TETHYS.address}:{API_PORT}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )

    def tailscale_runs(self) -> bool:
        """Whether the node has a process of the incident's pod, which is in the node's network.

        Those of gateways are not: they are in their pods'.
        """
        return self.run(_IN_THE_NODES_NETWORK).returncode == 0

    def reaches_api_server(self) -> bool:
        """Whether the runbook's last step says so."""
        return self.run(runbook()[-1].text).returncode == 0

    def stop_kubelet(self) -> None:
        """As `systemctl stop` of k3s: the node starts what ends, so it is frozen instead."""
        os.kill(self.kubelet(), signal.SIGSTOP)

    def start_kubelet(self) -> None:
        """A new one, which knows nothing and asks the API server, in place of the frozen one."""
        before = self.kubelet()
        os.kill(before, signal.SIGKILL)
        until(
            lambda: self._services().get("kubelet") not in (None, before),
            f"node {self.name}: its kubelet does not start again",
            seconds=_SECONDS,
        )

    def kubelet(self) -> int:
        """The pid of the node's kubelet on this machine, once it runs."""
        until(
            lambda: "kubelet" in self._services(),
            f"node {self.name}: its kubelet does not run",
            seconds=_SECONDS,
        )
        return self._services()["kubelet"]

    def _services(self) -> dict[str, int]:
        return health.running(self.home, self.name, fleet.init_pid(self.home, self.name))


_IN_THE_NODES_NETWORK = """
for pid in $(pgrep -x 'containerboot|tailscaled'); do
  [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/$$/ns/net)" ] || exit 0
done
exit 1
"""
