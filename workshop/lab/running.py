"""`make lab-up`, `lab-down`, `lab-status`: the local control plane and its stand-ins."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import time

import httpx

from delivery import turn
from lab import (
    api_servers,
    cluster_dns,
    control_plane,
    nodes,
    processes,
    prometheus_operator,
    stand_ins,
)
from lab.home import REPOSITORY, Home, LabError
from lab.kube import connect
from lab.private_file import write_private
from lab.status import table

# What else `make clean` removes.
_LEFT = (".delivery", ".hypothesis")
_NAMES = (*control_plane.NAMES, *stand_ins.NAMES)


def main(arguments: list[str]) -> int:
    """Run one command; exit code 0, or 1 after one line that says what to do."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__, allow_abbrev=False)
    parser.add_argument("command", choices=("up", "down", "status", "clean"))
    command = parser.parse_args(arguments).command
    home = Home(path=REPOSITORY / ".lab") if command == "clean" else Home.default()
    home.make()
    try:
        if command == "status":
            return _status(home)
        # One command at a time on a lab and on the stack in it [delivery/alone.py].
        with turn.taken(home.path / "lock", "lab", f"lab {command}"):
            return {"up": _up, "down": _down, "clean": _clean}[command](home)
    except KeyboardInterrupt:
        print(f"\nlab: {command} was interrupted: run it again", file=sys.stderr)
        return 130
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
    except httpx.HTTPError as error:
        print(f"lab: the API server does not answer ({error}): run `make lab-up`", file=sys.stderr)
    return 1


def _up(home: Home) -> int:
    began = time.monotonic()
    started = control_plane.start(home)
    with connect(home.kubeconfig) as api:
        created = nodes.register(api)
        api_servers.publish(api)
        cluster_dns.configure(api)
        prometheus_operator.serve_kinds(api)
        started += stand_ins.start(home)
        nodes.wait_until_ready(api)
    _write_environment(home)
    if started or created:
        seconds = time.monotonic() - began
        print(f"lab: started {', '.join([*started, *(f'node {n}' for n in created)])}")
        print(f"lab: ready in {seconds:.1f} s; KUBECONFIG={home.kubeconfig}")
        print(f"lab: {stand_ins.NOTICE}")
    else:
        print("lab: runs already")
    return 0


def _down(home: Home) -> int:
    # The processes of pods after the service that would start them again, before the API server.
    pods = [name for name in processes.running(home) if name not in _NAMES]
    order = [*reversed(stand_ins.NAMES), *pods, *reversed(control_plane.NAMES)]
    ended = [name for name in order if processes.stop(home, name)]
    print(f"lab: ended {', '.join(ended)}" if ended else "lab: did not run")
    return 0


def _clean(home: Home) -> int:
    """End the lab and remove what the make targets made, while no command uses any of it."""
    code = _down(home)
    toolchain = REPOSITORY / ".toolchain"
    with turn.taken(toolchain / "lock", "lab", "make clean"):
        for folder in (toolchain, home.path, *(REPOSITORY / name for name in _LEFT)):
            shutil.rmtree(folder, ignore_errors=True)
    return code


def _status(home: Home) -> int:
    down = []
    pods = [name for name in processes.running(home) if name not in _NAMES]
    for name in (*_NAMES, *pods):
        pid = processes.find(home, name)
        print(f"{name:24} {'down' if pid is None else f'pid {pid}'}")
        if pid is None:
            down.append(name)
    if down:
        print(f"lab: {', '.join(down)} not running: `make lab-up` starts what is missing")
        return 1
    with connect(home.kubeconfig) as api:
        print(table(api))
    return 0


def _write_environment(home: Home) -> None:
    """What the engine needs in its environment to use the lab as it would use a real fleet."""
    passphrase = home.path / "passphrase"
    if not passphrase.exists():
        write_private(passphrase, secrets.token_urlsafe(32))
    state = home.path / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    values = {
        "KUBECONFIG": str(home.kubeconfig),
        # For a bare `pulumi`: the file in the repository stays as it is [delivery/lab_stack.py].
        "PULUMI_STACK": "dev",
        "PULUMI_OPTION_CONFIG_FILE": str(home.path / "project" / "Pulumi.dev.yaml"),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
        **stand_ins.environment(home),
    }
    write_private(home.environment, "".join(f"{key}={value}\n" for key, value in values.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
