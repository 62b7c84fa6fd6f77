"""The local control plane and its stand-ins: started, ended, shown, removed."""

import secrets
import shutil
import time

from operations.delivery import turn
from workshop.lab import (
    api_servers,
    cluster_dns,
    control_plane,
    nodes,
    processes,
    prometheus_operator,
    stand_ins,
)
from workshop.lab.home import REPOSITORY, Home, LabError
from workshop.lab.kube import connect
from workshop.lab.network import servers
from workshop.lab.network.plan import JOINING
from workshop.lab.node import fleet
from workshop.lab.node_kind import NodeKind, record, recorded
from workshop.lab.private_file import write_private
from workshop.lab.status import table

_SIMULATED = (
    "its nodes are simulated (kwok): no pod runs a program, no gate measures, no secret is synced. "
    "For real nodes: `oceanid lab clean`, then `oceanid lab up --nodes real`"
)
# What else `make clean` removes.
_LEFT = (".delivery", ".hypothesis")
_NAMES = (*control_plane.NAMES, *stand_ins.NAMES)


def up(home: Home, kind: NodeKind) -> int:
    """Start what does not run yet, on nodes of a kind that the lab keeps."""
    record(home, kind)
    if kind is NodeKind.REAL:
        return _up_on_real_nodes(home)
    began = time.monotonic()
    started = control_plane.start(home)
    with connect(home.kubeconfig) as api:
        created = nodes.register(api)
        api_servers.publish(api)
        cluster_dns.configure(api)
        prometheus_operator.serve_kinds(api)
        started += stand_ins.start(home)
        nodes.wait_until_ready(api)
    _write_environment(home, stand_ins.environment(home))
    if started or created:
        seconds = time.monotonic() - began
        print(f"lab: started {', '.join([*started, *(f'node {n}' for n in created)])}")
        print(f"lab: ready in {seconds:.1f} s; KUBECONFIG={home.kubeconfig}")
        print(f"lab: {stand_ins.NOTICE}")
        print(f"lab: {_SIMULATED}")
    else:
        print("lab: runs already")
    return 0


def _up_on_real_nodes(home: Home) -> int:
    began = time.monotonic()
    started = fleet.start(home)
    with connect(home.kubeconfig) as api:
        prometheus_operator.serve_kinds(api)
    _write_environment(home, servers.environment(home))
    if started:
        print(f"lab: started {', '.join(started)}")
        print(f"lab: ready in {time.monotonic() - began:.1f} s; KUBECONFIG={home.kubeconfig}")
    else:
        print("lab: runs already")
    return 0


def add_node(home: Home, name: str) -> int:
    """Have one more node join, for as long as the lab's data is there; raises LabError."""
    if name not in JOINING:
        raise LabError(f"node {name}: the lab has room for {' and '.join(JOINING)}")
    kind = recorded(home)
    if kind is None:
        raise LabError("there is no lab that a node could join: run `oceanid lab up` first")
    if kind is NodeKind.REAL:
        fleet.add_node(home, name)
    else:
        node = nodes.Node(name=name, address=str(JOINING[name].address), labels={})
        with connect(home.kubeconfig) as api:
            nodes.register(api, (node,))
            nodes.wait_until_ready(api, (node,))
    print(f"lab: node {name} has joined, {kind} as the others: see docs/runbooks/nodes.md")
    return 0


def down(home: Home) -> int:
    """End what runs; the data stays."""
    if recorded(home) is NodeKind.REAL:
        ended = fleet.end(home)
        print(f"lab: ended {', '.join(ended)}" if ended else "lab: did not run")
        return 0
    ended = [name for name in reversed(_NAMES) if processes.stop(home, name)]
    print(f"lab: ended {', '.join(ended)}" if ended else "lab: did not run")
    return 0


def clean(home: Home) -> int:
    """End the lab and remove what the make targets made, while no command uses any of it."""
    code = down(home)
    toolchain = REPOSITORY / ".toolchain"
    with turn.taken(toolchain / "lock", "lab", "lab clean"):
        for folder in (toolchain, home.path, *(REPOSITORY / name for name in _LEFT)):
            shutil.rmtree(folder, ignore_errors=True)
    return code


def status(home: Home) -> int:
    """Print what runs, and what runs where; 1 when something is missing."""
    missing = []
    expected = fleet.names(home) if recorded(home) is NodeKind.REAL else _NAMES
    for name in expected:
        pid = processes.find(home, name)
        print(f"{name:24} {'down' if pid is None else f'pid {pid}'}")
        if pid is None:
            missing.append(name)
    if missing:
        print(f"lab: {', '.join(missing)} not running: `oceanid lab up` starts what is missing")
        return 1
    with connect(home.kubeconfig) as api:
        print(table(api))
    return 0


def _write_environment(home: Home, services: dict[str, str]) -> None:
    """What the engine needs in its environment to use the lab as it would use a real fleet."""
    passphrase = home.path / "passphrase"
    if not passphrase.exists():
        write_private(passphrase, secrets.token_urlsafe(32))
    state = home.path / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    values = {
        "KUBECONFIG": str(home.kubeconfig),
        # For a bare `pulumi`: the file in the repository stays as it is [operations/delivery].
        "PULUMI_STACK": "dev",
        "PULUMI_OPTION_CONFIG_FILE": str(home.path / "project" / "Pulumi.dev.yaml"),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
        **services,
    }
    write_private(home.environment, "".join(f"{key}={value}\n" for key, value in values.items()))
