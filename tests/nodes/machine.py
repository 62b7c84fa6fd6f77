"""What a lab has on this machine: its processes, and what it may not leave behind."""

import hashlib
import subprocess
from contextlib import suppress
from pathlib import Path

from workshop.lab import processes
from workshop.lab.home import Home
from workshop.lab.network.plan import FLEET
from workshop.lab.node import cgroup, fleet, health

_TABLES = (("ip", "link"), ("nft", "list", "ruleset"), ("iptables-save",), ("ip6tables-save",))


def programs(home: Home) -> dict[str, int]:
    """Every program of a lab by its name, with its pid on this machine."""
    pids = {name: processes.find(home, name) for name in fleet.names(home)}
    found = {name: pid for name, pid in pids.items() if pid is not None}
    for plan in FLEET:
        init = fleet.init_pid(home, plan.name)
        found[f"{plan.name}/init"] = init
        services = health.running(home, plan.name, init)
        found |= {f"{plan.name}/{name}": pid for name, pid in services.items()}
        for pid in cgroup.processes(home, plan.name, "kubepods"):
            with suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == "coredns":
                    found[f"{plan.name}/coredns"] = pid
    return found


def left(home: Home, spaces: set[str]) -> dict[str, list[str]]:
    """What is there of the lab and its network namespaces: nothing, once it is down."""
    name = f"oceanid-lab-{hashlib.sha256(str(home.path).encode()).hexdigest()[:12]}"
    return {
        "processes": [each for each in _of_processes("cmdline") if str(home.path) in each],
        "marked": processes.running(home),
        "mounts": [each for each in _of_processes("mountinfo") if str(home.path) in each],
        "namespaces": sorted(spaces & _network_namespaces()),
        "cgroups": [str(each) for each in Path("/sys/fs/cgroup").glob(f"**/{name}")],
    }


def network_namespaces(home: Home) -> set[str]:
    """The namespaces that the lab's network is made of."""
    return {str(Path(path).readlink()) for path in fleet.namespaces(home).values()}


def inside(spaces: set[str]) -> set[tuple[str, str]]:
    """The processes in network namespaces, each by its pid and when it started.

    The kernel gives a new namespace the number of one that has ended, and no process this pair.
    """
    found = set()
    for process in _processes():
        with suppress(OSError):
            if str((process / "ns/net").readlink()) in spaces:
                started = (process / "stat").read_text().rpartition(")")[2].split()[19]
                found.add((process.name, started))
    return found


def tables() -> dict[str, list[str]]:
    """The links and packet filters of the machine itself, without their counters."""
    shown = {}
    for command in _TABLES:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [line.split(" [")[0] for line in done.stdout.splitlines()]
        shown[" ".join(command)] = [line for line in lines if not line.startswith("#")]
    return shown


def _processes() -> list[Path]:
    """The folders of all processes; each may end before it is read."""
    return [each for each in Path("/proc").iterdir() if each.name.isdigit()]


def _network_namespaces() -> set[str]:
    found = set()
    for process in _processes():
        with suppress(OSError):
            found.add(str((process / "ns/net").readlink()))
    return found


def _of_processes(file: str) -> list[str]:
    found: list[str] = []
    for process in _processes():
        with suppress(OSError):
            found += (process / file).read_bytes().replace(b"\0", b" ").decode().splitlines()
    return found
