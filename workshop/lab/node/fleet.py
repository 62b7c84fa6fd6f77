"""The lab on real nodes: its network, the servers outside, and the nodes; started and ended."""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import httpx
import yaml

from workshop.lab import cluster_dns, processes
from workshop.lab.control_plane import kubeconfig
from workshop.lab.home import BIN, REPOSITORY, Home, LabError
from workshop.lab.kube import Objects, connect
from workshop.lab.network import servers
from workshop.lab.network.plan import API_PORT, FLEET, JOINING, NodePlan
from workshop.lab.node import cgroup, health, images, seed, server, spec, watches
from workshop.lab.nodes import FLEET as LABELLED
from workshop.lab.pki import Authority
from workshop.lab.private_file import keep_private
from workshop.lab.processes import Service
from workshop.lab.waiting import until

_NETWORK, _FORWARD = "network", "forward"
# It is the parent of a program that is process 1 of a PID namespace: nothing that the program
# starts gets away.
_ALONE = (
    "unshare",
    *["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc", "--"],
)
_SECONDS_TO_START = 60.0
_ADD_ONS = [Path(__file__).with_name(f"{name}.yaml") for name in ("cluster_dns", "kube_proxy")]


def start(home: Home) -> list[str]:
    """Start what does not run and return its names; raises LabError with what failed."""
    if processes.find(home, _node_name(FLEET[0].name)) is None:
        watches.check_room()
    started = _start_network(home)
    spaces = namespaces(home)
    trusted = Authority(folder=trust(), name="public-ca")
    # What the internet's servers and the nodes are told is theirs alone; no order between them.
    outside = servers.services(home, spaces["internet"], trusted)
    started += [each.name for each in outside if processes.start(home, each)]
    started += _start_forward(home, spaces)
    admin = kubeconfig(
        home,
        "admin",
        f"https://127.0.0.1:{home.port('kube-apiserver')}",
        user="oceanid-lab-admin",
        group="system:masters",
    )
    roots = trusted.pair.certificate.read_text()
    grown = seed.made(images.packed(images.stack_images(), trust(), roots), trust())
    started += [plan.name for plan in members(home) if _start_node(home, plan, spaces, grown)]
    with connect(admin) as api:
        _wait_for_api_server(home, api)
        _register(api, members(home))
        (home.path / server.API_UP).touch()
        cluster_dns.configure(api)
        for manifest in _ADD_ONS:
            Objects(api).apply(yaml.safe_load_all(manifest.read_text()))
        health.wait_until_ready(home, api, {p: init_pid(home, p.name) for p in members(home)})
    for name in names(home):
        processes.assert_alive(home, name)
    return started


def members(home: Home) -> tuple[NodePlan, ...]:
    """The nodes of the lab: the operators' three, and those that have joined since."""
    joined = home.path / "joined.json"
    names = json.loads(joined.read_text()) if joined.exists() else []
    return (*FLEET, *(JOINING[name] for name in names))


def add_node(home: Home, name: str) -> None:
    """Have one of the plan's further nodes join the lab, which runs; raises LabError."""
    if any(processes.find(home, each) is None for each in names(home)):
        raise LabError(f"node {name} cannot join a lab that does not run: run `oceanid lab up`")
    there = [plan.name for plan in members(home) if plan not in FLEET]
    if name not in there:
        keep_private(home.path / "joined.json", json.dumps([*there, name]))
    start(home)


def names(home: Home) -> tuple[str, ...]:
    """All that runs, in the order in which it starts."""
    joined = [plan.name for plan in members(home) if plan not in FLEET]
    return (
        _NETWORK, *(_network_name(name) for name in joined),
        *servers.PORTS, "sites", "s3", "resolver", "tailnet", _FORWARD,
        *(_node_name(plan.name) for plan in members(home)),
    )  # fmt: skip


def end(home: Home) -> list[str]:
    """End all that runs and remove its cgroups; the data stays."""
    ended = [name for name in reversed(names(home)) if processes.find(home, name) is not None]
    for plan in members(home):
        power_off(home, plan.name)
    for name in reversed(names(home)):
        processes.stop(home, name)
    cgroup.remove(home)
    return ended


def namespaces(home: Home) -> dict[str, str]:
    """The files that stand for the namespaces of the nodes, of routers and of the `internet`."""
    found: dict[str, str] = {}
    for plan in members(home):
        if plan not in FLEET:
            found |= json.loads(_state(home, _network_name(plan.name)).read_text())
    found |= json.loads(_state(home, _NETWORK).read_text())
    return found


def trust() -> Path:
    """The folder of the authority that the images trust: one for all labs of this checkout."""
    folder = BIN.parent / "images"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _state(home: Home, name: str) -> Path:
    return home.path / f"{name}.json"


def _network_name(node: str) -> str:
    return f"{_NETWORK}-{node}"


def _start_network(home: Home) -> list[str]:
    """A new network takes everything with it that was in the one before."""
    parts = [_NETWORK]
    parts += [_network_name(plan.name) for plan in members(home) if plan not in FLEET]
    if not _is_whole(home, parts[:1]):
        end(home)
    started = [name for name in parts if not _is_whole(home, [name])]
    for name in started:
        processes.stop(home, name)
        _state(home, name).unlink(missing_ok=True)
        _start_holder(home, name)
    return started


def _start_holder(home: Home, name: str) -> None:
    argv = [sys.executable, "-m", "workshop.lab.network.holder", str(_state(home, name))]
    if name != _NETWORK:
        internet = json.loads(_state(home, _NETWORK).read_text())["internet"]
        argv += [f"--joins={name.removeprefix(_network_name(''))}", f"--internet={internet}"]
    environment = {"PYTHONPATH": str(REPOSITORY)}
    processes.start(home, Service(name=name, argv=tuple(argv), environment=environment))

    def laid() -> bool:
        processes.assert_alive(home, name)
        return _state(home, name).exists()

    until(laid, f"the lab's network is not there: see {home.logs}", seconds=_SECONDS_TO_START)


def _is_whole(home: Home, parts: list[str]) -> bool:
    """Whether each namespace is still held: the holder of all ends a moment after one of them."""
    if any(processes.find(home, name) is None for name in parts):
        return False
    states = [_state(home, name) for name in parts]
    if not all(state.exists() for state in states):
        return False
    paths = [Path(path) for state in states for path in json.loads(state.read_text()).values()]
    # /proc/PID/ns/net of a holder, which may be killed and yet to end.
    return all(path.exists() and not processes.is_killed(int(path.parts[2])) for path in paths)


def _start_forward(home: Home, spaces: dict[str, str]) -> list[str]:
    def entry(name: str, space: str, address: IPv4Address | str, port: int) -> dict[str, Any]:
        target = {"namespace": spaces[space], "address": str(address), "to": port}
        return {"port": home.port(name), **target}

    first = FLEET[0]
    table = [entry("kube-apiserver", first.name, first.address, API_PORT)]
    table += [entry(name, "internet", "127.0.0.1", port) for name, port in servers.PORTS.items()]
    path = home.path / "forward.json"
    keep_private(path, json.dumps(table))
    service = Service(
        name=_FORWARD,
        argv=(sys.executable, "-m", "workshop.lab.network.forward", str(path)),
        environment={"PYTHONPATH": str(REPOSITORY)},
    )
    return [_FORWARD] if processes.start(home, service) else []


def _node_name(name: str) -> str:
    return f"node-{name}"


def _start_node(home: Home, plan: NodePlan, spaces: dict[str, str], grown: Path) -> bool:
    containerd = spec.folder(home, plan.name) / "containerd"
    if not seed.is_given(grown, containerd):
        processes.stop(home, _node_name(plan.name))
        seed.give(grown, containerd)
    if plan is FLEET[0] and processes.find(home, _node_name(plan.name)) is None:
        (home.path / server.API_UP).unlink(missing_ok=True)
    path = spec.write(home, plan, members(home))
    init = (sys.executable, "-I", "-S", str(Path(__file__).with_name("init.py")), str(path))
    service = Service(
        name=_node_name(plan.name),
        argv=(*_ALONE, *init),
        namespace=spaces[plan.name],
    )
    return processes.start(home, service)


def _wait_for_api_server(home: Home, api: httpx.Client) -> None:
    name = _node_name(FLEET[0].name)
    first = init_pid(home, FLEET[0].name)

    def is_ready() -> bool:
        processes.assert_alive(home, name)
        # One that is about to lose its database still says that it is ready.
        if {"etcd", "kube-apiserver"} & set(health.stopped(home, FLEET[0].name, first)):
            return False
        try:
            return api.get("/readyz").is_success
        except httpx.TransportError:
            return False  # not listening yet

    log = spec.folder(home, FLEET[0].name) / "logs" / "kube-apiserver.log"
    failure = f"the API server is not ready after {_SECONDS_TO_START:.0f} s: see {log}"
    until(is_ready, failure, seconds=_SECONDS_TO_START)


def _register(api: httpx.Client, fleet: tuple[NodePlan, ...]) -> None:
    """The Node objects, with what a kubelet may not say of itself; it takes them as they are."""
    labels = {node.name: node.labels for node in LABELLED}
    nodes = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": plan.name,
                "labels": {"oceanid.node/name": plan.name, **labels.get(plan.name, {})},
            },
            "spec": {"podCIDR": str(plan.pods), "podCIDRs": [str(plan.pods)]},
        }
        for plan in fleet
    ]
    Objects(api).apply(nodes)


def power_off(home: Home, name: str) -> None:
    """End the node at once and all that runs in it, as when its plug is pulled."""
    if processes.find(home, _node_name(name)) is not None:
        # It may be ending already.
        with suppress(LabError, ProcessLookupError):
            # The kernel ends a PID namespace with its first process.
            os.kill(init_pid(home, name), signal.SIGKILL)


def init_pid(home: Home, name: str) -> int:
    """The node's process 1 by its pid here; raises LabError when the node does not run."""
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        parent = processes.find(home, _node_name(name))
        if parent is None:
            break
        if children := processes.children(parent):
            return children[0]
        time.sleep(0.01)
    raise LabError(f"node {name} does not run: see {home.logs}/{_node_name(name)}.log")
