"""Asks a pod's readiness probes for as long as it runs, as its kubelet does."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from workshop.lab.network import probe
from workshop.lab.network.container import Container
from workshop.lab.network.pod import RunningPod

_TICK_SECONDS = 0.2


@dataclass(kw_only=True)
class _State:
    """A container's readiness: when it is asked next, and what the last answers were."""

    ready: bool = False
    failures: int = 0
    due: float = 0.0


@dataclass(kw_only=True)
class Readiness:
    """The readiness of one pod; `changed` is called from its thread when it does."""

    pod: RunningPod
    changed: Callable[[], None]
    ready: bool = False
    _states: dict[str, _State] = field(default_factory=dict)
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Ask from now on."""
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Ask no more; the pod counts as not ready."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        if self.ready:
            self.ready = False
            self.changed()

    def _loop(self) -> None:
        while not self._ending.wait(_TICK_SECONDS):
            containers = list(self.pod.containers.values())
            # Every one of them is asked, whatever the others answered.
            answers = [self._ask(each) for each in containers]
            now = all(answers)
            if now != self.ready and not self._ending.is_set():
                self.ready = now
                self.changed()

    def _ask(self, container: Container) -> bool:
        state = self._states.setdefault(container.name, _State())
        asked = container.manifest.get("readinessProbe")
        if not container.started.running:
            state.ready = False
        elif asked is None:
            state.ready = True
        elif time.monotonic() >= state.due:
            state.due = time.monotonic() + float(asked.get("periodSeconds") or 10)
            if probe.passes(container, self.pod.sandbox, asked):
                state.ready, state.failures = True, 0
            else:
                state.failures += 1
                # 3 is Kubernetes' default.
                if state.failures >= int(asked.get("failureThreshold") or 3):
                    state.ready = False
                if not state.ready:
                    # A pod that starts is asked often, or every test would wait for a period.
                    state.due = time.monotonic() + _TICK_SECONDS
        return state.ready
