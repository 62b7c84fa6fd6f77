"""Whether a node is as well as its Node object says: a Ready from before a crash does not count."""

import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from workshop.lab import processes
from workshop.lab.home import Home, LabError
from workshop.lab.network.plan import NodePlan
from workshop.lab.node import spec
from workshop.lab.nodes import unready_taints

_SECONDS_TO_BE_READY = 120.0
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def running(home: Home, name: str, init: int) -> dict[str, int]:
    """Pids of the node's services that run now, by their name; `init` is its process 1."""
    services = json.loads((spec.folder(home, name) / "spec.json").read_text())["services"]
    names = {tuple(service["argv"]): service["name"] for service in services}
    pids = {}
    for pid in processes.children(init):
        service = names.get(processes.arguments(pid))
        if service is not None and not processes.is_killed(pid):
            pids[service] = pid
    return pids


def stopped(home: Home, name: str, init: int) -> list[str]:
    """Names of the node's services that do not run now."""
    services = json.loads((spec.folder(home, name) / "spec.json").read_text())["services"]
    there = running(home, name, init)
    return [service["name"] for service in services if service["name"] not in there]


def wait_until_ready(
    home: Home,
    api: httpx.Client,
    inits: dict[NodePlan, int],
    *,
    seconds: float = _SECONDS_TO_BE_READY,
) -> None:
    """Return when all runs on each node, and its kubelet that runs now has said Ready."""
    deadline = time.monotonic() + seconds
    while reasons := _reasons(home, api, inits):
        if time.monotonic() > deadline:
            logs = spec.folder(home, "NODE") / "logs"
            raise LabError(f"nodes not ready: {'; '.join(reasons)}: see {logs}")
        time.sleep(0.1)


def _reasons(home: Home, api: httpx.Client, inits: dict[NodePlan, int]) -> list[str]:
    try:
        items = api.get("/api/v1/nodes").raise_for_status().json()["items"]
    except httpx.HTTPError as error:
        return [f"the API server does not answer ({error})"]
    nodes = {item["metadata"]["name"]: item for item in items}
    reasons = ((plan.name, _reason(home, nodes, plan.name, init)) for plan, init in inits.items())
    return [f"{name}: {reason}" for name, reason in reasons if reason is not None]


def _reason(home: Home, nodes: dict[str, Any], name: str, init: int) -> str | None:
    """Why the node is not ready; None when it is."""
    if missing := stopped(home, name, init):
        return f"{', '.join(missing)} not running"
    node = nodes.get(name)
    if node is None:
        return "no Node object"
    conditions = node["status"].get("conditions", [])
    ready = next((each for each in conditions if each["type"] == "Ready"), None)
    if ready is None:
        return "its kubelet has not reported yet"
    kubelet = running(home, name, init).get("kubelet")
    if kubelet is None or _moment(ready["lastHeartbeatTime"]) < int(_started_at(kubelet)):
        return "its kubelet has not reported since its start"
    if ready["status"] != "True":
        return str(ready.get("message", "not Ready"))
    taints = unready_taints(node)
    return f"tainted {', '.join(taints)}" if taints else None


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _started_at(pid: int) -> float:
    """The time of day at which a process started; now when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.time()
    # Field 22 of proc(5), in ticks since the machine's start.
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / _TICKS_PER_SECOND
    return time.time() - age
