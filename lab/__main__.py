"""`make lab-up`, `lab-down`, `lab-status`: the local control plane and its stand-ins."""

from __future__ import annotations

import argparse
import fcntl
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from lab import control_plane, nodes, processes, prometheus_operator, stand_ins
from lab.home import Home, LabError
from lab.kube import connect
from lab.private_file import write_private
from lab.status import table

_NAMES = (*control_plane.NAMES, *stand_ins.NAMES)


def main(arguments: list[str]) -> int:
    """Run one command; exit code 0, or 1 after one line that says what to do."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status"))
    command = parser.parse_args(arguments).command
    home = Home.default()
    home.make()
    try:
        with _alone(home):
            return {"up": _up, "down": _down, "status": _status}[command](home)
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
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
        **stand_ins.environment(home),
    }
    write_private(home.environment, "".join(f"{key}={value}\n" for key, value in values.items()))


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """One command at a time on one lab; a second one waits."""
    with (home.path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
