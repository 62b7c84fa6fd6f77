"""`oceanid lab replay-outage`: the outage of 13 October 2025 on three real nodes of their own.

Each step is measured, and said as it happens. The first thing that is not as it was ends it.
"""

import json
import shutil
import time
from collections.abc import Callable
from textwrap import fill

import httpx

from workshop.lab.home import REPOSITORY, Home, LabError
from workshop.lab.kube import Objects, connect
from workshop.lab.network.plan import CALYPSO, FLEET, STYX
from workshop.lab.node import fleet
from workshop.lab.node.tether import tethered
from workshop.lab.outage.console import NodeConsole
from workshop.lab.outage.incident import EXIT_NODE, Incident
from workshop.lab.waiting import until

LOST = (STYX.name, CALYPSO.name)
"""The nodes of that day that were lost."""
_POLICIES = REPOSITORY / "components" / "admission" / "admission_policies.json"
_STEPS = 8
# A node is NotReady when it has not been heard of for 50 s (kube-controller-manager's default).
_SECONDS = 120.0
_PAUSE_SECONDS = 10.0
_WIDTH = 110


def replay(home: Home) -> int:
    """All of it in a lab in `home`, which is gone afterwards; raises LabError where it differs."""
    fleet.end(home)
    shutil.rmtree(home.path, ignore_errors=True)
    home.make()
    began = time.monotonic()
    with tethered(home):
        fleet.start(home)
        with connect(home.kubeconfig) as kube:
            _Replay(home, kube).run()
    shutil.rmtree(home.path)
    print(f"replay-outage: seen as it was, and refused, in {time.monotonic() - began:.0f} s")
    return 0


class _Replay:
    """One run of it: `say` numbers its steps and tells the seconds that each has taken."""

    def __init__(self, home: Home, kube: httpx.Client) -> None:
        self._kube = kube
        self._incident = Incident(home=home, kube=kube)
        self._consoles = {plan.name: NodeConsole(home=home, name=plan.name) for plan in FLEET}
        self._step, self._began = 0, time.monotonic()

    def run(self) -> None:
        """Every step in its order; raises LabError with what is not as it was."""
        self._all_is_well()
        self._incident.start_exit_node()
        self._say(f"the exit node of that day is up on {EXIT_NODE.name}; nobody has approved it")
        self._apply()
        self._nodes_are_cut_off()
        self._nodes_turn_not_ready()
        self._deleting_it_does_not_help()
        self._policies_refuse_it()
        self._the_runbook_brings_them_back()

    def _all_is_well(self) -> None:
        self._require_reaching(dict.fromkeys(self._consoles, True))
        self._say(f"{', '.join(self._consoles)} are Ready and reach the API server")

    def _apply(self) -> None:
        answer = self._incident.apply(*LOST)
        if not answer.is_success:
            raise LabError(f"without the policies it must be accepted: {answer.text[:300]}")
        self._say("without the policies the API server accepts the DaemonSet tailscale-worker")

    def _nodes_are_cut_off(self) -> None:
        for node in LOST:
            self._until(lambda name=node: not self._reaches(name), f"{node} is not cut off")  # type: ignore[misc]
        self._require_reaching({name: name not in LOST for name in self._consoles})
        self._say(f"{' and '.join(LOST)} no longer reach the API server; {EXIT_NODE.name} does")

    def _nodes_turn_not_ready(self) -> None:
        self._until(lambda: set(self._incident.not_ready()) == set(LOST), "no node is NotReady")
        told = {f"{name}: {why}" for name, why in self._incident.not_ready().items()}
        self._say(f"NotReady: {'; '.join(sorted(told))}")

    def _deleting_it_does_not_help(self) -> None:
        self._incident.delete()
        time.sleep(_PAUSE_SECONDS)
        for node in LOST:
            if not self._consoles[node].tailscale_runs() or self._reaches(node):
                raise LabError(f"{node} has come back by itself")
        self._say(
            f"{_PAUSE_SECONDS:.0f} s after the DaemonSet was deleted its pods still run: "
            "their kubelets cannot hear of it"
        )

    def _policies_refuse_it(self) -> None:
        Objects(self._kube).apply(json.loads(_POLICIES.read_text()))
        # The API server takes up a policy some moments after it has been made.
        self._until(
            lambda: not self._incident.apply(*LOST, dry_run=True).is_success,
            "the policies do not refuse the DaemonSet",
        )
        message = self._incident.refusal(*LOST)
        if message is None or "Remedy: " not in message:
            raise LabError(f"the policies do not refuse it with a remedy: {message}")
        self._say(f"with the policies the API server refuses it: {message}")

    def _the_runbook_brings_them_back(self) -> None:
        for node in LOST:
            self._incident.recover(node)
            self._until(lambda name=node: self._reaches(name), f"{node} stays cut off")  # type: ignore[misc]
        self._incident.until_gone()
        self._require_reaching(dict.fromkeys(self._consoles, True))
        self._say(
            "docs/runbooks/node-network-recovery.md at each node's console, without a reboot: "
            f"{' and '.join(LOST)} are Ready, the pods of the DaemonSet are gone"
        )

    def _reaches(self, node: str) -> bool:
        return self._consoles[node].reaches_api_server()

    def _require_reaching(self, wanted: dict[str, bool]) -> None:
        seen = {name: self._reaches(name) for name in self._consoles}
        if seen != wanted:
            raise LabError(f"who reaches the API server: expected {wanted}, seen {seen}")

    def _until(self, condition: Callable[[], bool], failure: str) -> None:
        until(condition, f"{failure} after {_SECONDS:.0f} s", seconds=_SECONDS)

    def _say(self, text: str) -> None:
        self._step += 1
        now = time.monotonic()
        begin = f"{self._step}/{_STEPS} {now - self._began:5.1f} s  "
        below = " " * len(begin)
        wrapped = fill(
            text, _WIDTH, initial_indent=begin, subsequent_indent=below, break_on_hyphens=False
        )
        print(wrapped, flush=True)
        self._began = now
