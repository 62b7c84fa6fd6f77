"""`python -m workshop.lab.simulated_devices --kubeconfig FILE --api-url URL`: run until ended."""

import argparse
import signal
import sys
import threading
from pathlib import Path

import httpx

from workshop.lab.kube import connect
from workshop.lab.simulated_devices.cluster import Cluster, Collection
from workshop.lab.simulated_devices.fleet import Fleet
from workshop.lab.simulated_devices.tailnet import Tailnet

# Events come in bursts: a pass that waits a moment for the rest of one saves many.
_GATHER_SECONDS = 0.05
_PAUSE_SECONDS = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 1 and one line where the kubeconfig cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m workshop.lab.simulated_devices", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--api-url", required=True, help="where lab.tailscale_api listens")
    options = parser.parse_args(arguments)
    try:
        client = connect(options.kubeconfig)
    except (OSError, KeyError, ValueError, StopIteration) as error:
        sys.stderr.write(f"lab.simulated_devices: {options.kubeconfig}: {error}\n")
        return 1
    stopped, changed = threading.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop(stopped, changed))
    pods = Collection(client, "/api/v1/pods")
    state_secrets = Collection(client, "/api/v1/secrets", names_only=True)
    for collection in (pods, state_secrets):
        threading.Thread(target=collection.follow, args=(changed, stopped), daemon=True).start()
    fleet = Fleet(Cluster(client, _say), Tailnet(options.api_url), _say)
    _run(fleet, pods, state_secrets, changed, stopped)
    return 0


def _run(
    fleet: Fleet,
    pods: Collection,
    state_secrets: Collection,
    changed: threading.Event,
    stopped: threading.Event,
) -> None:
    due: float | None = None
    while not stopped.is_set():
        changed.wait(due)
        stopped.wait(_GATHER_SECONDS)
        changed.clear()
        # Before both lists are whole, a device could seem to have lost its pod or its state.
        if not (pods.complete.is_set() and state_secrets.complete.is_set()):
            continue
        names = {
            f"{o['metadata']['namespace']}/{o['metadata']['name']}" for o in state_secrets.objects()
        }
        try:
            due = fleet.settle(pods.objects(), names)
        except httpx.HTTPError as error:
            _say(f"an API does not answer ({type(error).__name__}); trying again")
            due = _PAUSE_SECONDS


def _stop(stopped: threading.Event, changed: threading.Event) -> None:
    stopped.set()
    changed.set()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
