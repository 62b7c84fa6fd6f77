"""Brings the operator's processes in line with its pods, from whatever state they are in."""

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from workshop.lab import processes
from workshop.lab.cluster_network import routes
from workshop.lab.external_secrets.kubelet import Condition, Kubelet, mount
from workshop.lab.external_secrets.program import Workload, workloads
from workshop.lab.home import Home
from workshop.lab.private_file import keep_private
from workshop.lab.processes import Service
from workshop.lab.simulated_devices.pod import Objects, Pod, PodError

# As a kubelet's back-off, with shorter pauses.
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 60.0
_PROBE_SECONDS = 1.0
_LONGEST_REASON = 300


@dataclass
class _Run:
    """What is known of one process: when it was started, how often, when it may be again."""

    started: float = 0.0
    restarts: int = 0
    again: float = 0.0
    said: str = ""


class Runner:
    """Level-based: `settle` compares everything each time, so nothing missed stays missed."""

    def __init__(
        self,
        home: Home,
        binary: Path,
        kubelet: Kubelet,
        objects: Objects,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`binary` is the operator's program; `objects` resolves what environments refer to."""
        self._home = home
        self._binary = binary
        self._kubelet = kubelet
        self._objects = objects
        self._now = now
        self._runs: dict[str, _Run] = {}
        # One for all probes, for a client costs twenty times what a request does; and a connection
        # for each, as a kubelet's, for one that is kept may be to a process that has ended.
        self._probes = httpx.Client(
            timeout=_PROBE_SECONDS,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def settle(self, pods: list[dict[str, Any]]) -> bool:
        """One pass over all pods; say whether all is as it should be. Raises httpx.HTTPError."""
        wanted = workloads(pods)
        for name in self._known() - set(wanted):
            self._end(name)
        table: dict[routes.Address, int] = {}
        settled = True
        for name, workload in wanted.items():
            condition = self._run(name, workload)
            settled = settled and condition.ready
            for pod in workload.pods:
                if condition.ready:
                    for port in workload.ports():
                        address = (str(pod["status"].get("podIP")), port)
                        table[address] = self._home.port(f"{name}:{port}")
                self._kubelet.report(pod, condition)
        routes.write(self._home.cluster_routes, table)
        return settled

    def _known(self) -> set[str]:
        """Names of what runs, and of what once ran and has left its files."""
        folders = self._home.pods.iterdir() if self._home.pods.is_dir() else ()
        return {*pod_processes(self._home), *(folder.name for folder in folders)}

    def _run(self, name: str, workload: Workload) -> Condition:
        """Start the process where that is due; how it is then."""
        if self._is_of_others(name, workload):
            self._end(name)
        run = self._runs.setdefault(name, _Run())
        running = processes.find(self._home, name) is not None
        now = self._now()
        if not running and run.started:
            # It ran and has ended.
            run.restarts = 0 if now - run.started > _STEADY_SECONDS else run.restarts + 1
            run.again = now + min(2.0**run.restarts, _LONGEST_PAUSE_SECONDS)
            run.started = 0.0
        if not running and now < run.again:
            return Condition(ready=False, restarts=run.restarts, failure=self._last_words(name))
        missing = self._prepare(name, workload)
        if missing and not running:
            self._say(name, run, missing)
            return Condition(ready=False, restarts=run.restarts)
        if not running:
            self._start(name, workload, run)
        return Condition(ready=self._is_ready(name, workload), restarts=run.restarts)

    def _is_of_others(self, name: str, workload: Workload) -> bool:
        """Whether it ran for pods that are all gone: their account, too, may be another's now."""
        record = self._folder(name) / "pods"
        return record.exists() and workload.uids.isdisjoint(record.read_text().split())

    def _prepare(self, name: str, workload: Workload) -> str:
        """Make the files the process needs; what it waits for, empty where it has everything."""
        folder = self._folder(name)
        for closed in (folder.parent, folder, folder / "mounts"):
            closed.mkdir(mode=0o700, exist_ok=True)
        keep_private(folder / "pods", "\n".join(sorted(workload.uids)))
        if not workload.has_token:
            return "automountServiceAccountToken is false: it cannot reach the API server"
        try:
            self._kubelet.credentials(workload, folder)
        except httpx.HTTPStatusError as error:
            return f"ServiceAccount {workload.service_account}: HTTP {error.response.status_code}"
        for path, secret in workload.secrets().items():
            data = self._kubelet.secret(workload.namespace, secret)
            # Upstream's webhook looks for its certificate every 10 s only: it is started with one.
            if not data:
                return f"waits for data in the Secret {secret}"
            mount(self._mount(name, path), data)
        return ""

    def _start(self, name: str, workload: Workload, run: _Run) -> None:
        environment = self._environment(name, workload)
        arguments = workload.arguments(
            environment,
            port=lambda port: self._home.port(f"{name}:{port}"),
            folder=lambda path: self._mount(name, path),
        )
        processes.start(
            self._home,
            Service(
                name=name,
                argv=(str(self._binary), *arguments),
                environment={
                    **environment,
                    "KUBECONFIG": str(self._folder(name) / "kubeconfig"),
                },
            ),
        )
        run.started = self._now()
        run.said = ""
        image = workload.container["image"]
        self._say(name, run, f"started for {image}")

    def _environment(self, name: str, workload: Workload) -> dict[str, str]:
        try:
            return Pod(workload.pod).environment(workload.container, self._objects)
        except PodError as error:
            self._say(name, self._runs[name], str(error))
            return {}

    def _is_ready(self, name: str, workload: Workload) -> bool:
        probe = workload.probe()
        if probe is None:
            # As in a cluster: a container without a probe is ready as soon as it runs.
            return processes.find(self._home, name) is not None
        url = f"http://127.0.0.1:{self._home.port(f'{name}:{probe.port}')}{probe.path}"
        try:
            return self._probes.get(url).is_success
        except httpx.HTTPError:
            return False

    def _end(self, name: str) -> None:
        if processes.stop(self._home, name):
            self._say(name, self._runs.get(name, _Run()), "its pods are gone: ended")
        self._runs.pop(name, None)
        shutil.rmtree(self._folder(name), ignore_errors=True)

    def _last_words(self, name: str) -> str:
        log = self._home.logs / f"{name}.log"
        lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        return lines[-1][:_LONGEST_REASON] if lines else "it said nothing"

    def _folder(self, name: str) -> Path:
        return self._home.pods / name

    def _mount(self, name: str, path: str) -> Path:
        return self._folder(name) / "mounts" / path.strip("/").replace("/", "_")

    def _say(self, name: str, run: _Run, line: str) -> None:
        """Write it to the log, once until something else is to be said."""
        if line != run.said:
            run.said = line
            sys.stderr.write(f"{name}: {line}\n")
            sys.stderr.flush()


def pod_processes(home: Home) -> list[str]:
    """Names of the processes that run for simulated pods, of this run or an earlier one."""
    return [name for name in processes.running(home) if "." in name]
