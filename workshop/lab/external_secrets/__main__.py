"""`python -m workshop.lab.external_secrets --home FOLDER --binary FILE`: run until ended.

The operator's processes outlive this one: a new one takes them over, and `lab down` ends them.
"""

import argparse
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import httpx

from workshop.lab.external_secrets import settled
from workshop.lab.external_secrets.kubelet import Kubelet
from workshop.lab.external_secrets.runner import Runner
from workshop.lab.home import Home
from workshop.lab.kube import connect
from workshop.lab.simulated_devices.cluster import Cluster, Collection

# Events come in bursts: a pass that waits a moment for the rest of one saves many.
_GATHER_SECONDS = 0.05
# Between two looks at processes that start, and at processes that run.
_SOON_SECONDS, _LATER_SECONDS = 0.3, 2.0


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m workshop.lab.external_secrets", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--home", type=Path, required=True, help="the lab's folder")
    parser.add_argument("--binary", type=Path, required=True, help="the operator's program")
    options = parser.parse_args(arguments)
    home = Home(path=options.home)
    client = connect(home.kubeconfig)
    stopped, changed = threading.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop(stopped, changed))
    pods = Collection(client, "/api/v1/pods")
    secrets = Collection(client, "/api/v1/secrets", names_only=True)
    for collection in (pods, secrets):
        threading.Thread(target=collection.follow, args=(changed, stopped), daemon=True).start()
    kubelet = Kubelet(client, home.kubeconfig)
    runner = Runner(home, options.binary, kubelet, Cluster(client, _say))
    pause = _SOON_SECONDS
    while not stopped.is_set():
        changed.wait(pause)
        stopped.wait(_GATHER_SECONDS)
        changed.clear()
        _bury()
        if pods.complete.is_set() and not stopped.is_set():
            try:
                is_settled = runner.settle(pods.objects())
                settled.say(home, is_settled=is_settled)
                pause = _LATER_SECONDS if is_settled else _SOON_SECONDS
            except httpx.HTTPError as error:
                _say(f"the API server does not answer: {type(error).__name__}; trying again")
                pause = _LATER_SECONDS
    return 0


def _stop(stopped: threading.Event, changed: threading.Event) -> None:
    stopped.set()
    changed.set()


def _bury() -> None:
    """Take note of the deaths of children, which would stay as zombies."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
