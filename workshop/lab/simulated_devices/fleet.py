"""Brings the tailnet's devices in line with the cluster's pods, from whatever state they are in."""

import json
import secrets
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from workshop.lab.simulated_devices.containerboot import Login, is_tailscale, login
from workshop.lab.simulated_devices.pod import Objects, Pod, PodError

# containerboot keeps tailscaled's own store here; the stand-in needs one key of it.
_PROFILE_KEY = "oceanid-stand-in-profile"
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0


class StateSecrets(Objects, Protocol):
    """The cluster, as far as a fleet needs it."""

    def state(self, pod: Pod, secret: str) -> dict[str, bytes]:
        """The state Secret as the pod's ServiceAccount sees it; raises PodError."""

    def keep_state(self, pod: Pod, secret: str, values: dict[str, str]) -> None:
        """Patch it as the pod's ServiceAccount; raises PodError."""

    def warn(self, pod: Pod, message: str) -> None:
        """A Warning Event on the pod."""


class ControlPlane(Protocol):
    """The tailnet, as far as a fleet needs it."""

    def devices(self) -> list[dict[str, Any]]:
        """The devices that came from here."""

    def log_in(self, login: Login, identity: str) -> dict[str, Any]:
        """The device; raises PodError."""

    def set_offline(self, node_id: str) -> None:
        """Its process has ended."""

    def remove(self, node_id: str) -> None:
        """It is in the tailnet no more."""


@dataclass
class _Trouble:
    """A container that cannot log in: what was said about it, and when to try again."""

    message: str
    pause: float
    again: float


class Fleet:
    """Level-based: `settle` compares everything each time, so nothing missed stays missed."""

    def __init__(
        self,
        cluster: StateSecrets,
        tailnet: ControlPlane,
        say: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`say` writes a line to the log; `now` gives seconds."""
        self._cluster = cluster
        self._tailnet = tailnet
        self._say = say
        self._now = now
        self._troubles: dict[str, _Trouble] = {}

    def settle(
        self, pods: Iterable[dict[str, Any]], state_secrets: Collection[str]
    ) -> float | None:
        """One pass over all pods; give the seconds until a retry is due, None if none is.

        `state_secrets` are all Secrets there are, as `namespace/name`. Raises httpx.HTTPError
        where an API is not there.
        """
        wanted = {
            f"{pod.namespace}/{pod.name}/{pod.uid}/{container['name']}": (pod, container)
            for pod in map(Pod, pods)
            if pod.running
            for container in pod.containers()
            if is_tailscale(container)
        }
        devices = self._tailnet.devices()
        # One that is offline while its pod runs was taken offline by a test: leave it so.
        known = {d["note"]["key"] for d in devices}
        for key, (pod, container) in wanted.items():
            if key not in known:
                self._try(key, pod, container)
        # Logging in may have brought a device back under another pod's name: look again.
        for device in self._tailnet.devices() if wanted else devices:
            if device["note"]["key"] not in wanted:
                self._take_away(device, state_secrets)
        self._troubles = {k: t for k, t in self._troubles.items() if k in wanted}
        due = [trouble.again for trouble in self._troubles.values()]
        return max(0.0, min(due) - self._now()) if due else None

    def _try(self, key: str, pod: Pod, container: Any) -> None:  # noqa: ANN401 - a manifest
        trouble = self._troubles.get(key)
        if trouble is not None and self._now() < trouble.again:
            return
        try:
            device = self._log_in(login(pod, container, self._cluster))
        except PodError as error:
            self._report(key, pod, f"{container['name']}: {error}")
        else:
            self._troubles.pop(key, None)
            self._say(f"{key}: in the tailnet as {device['name']} {device['addresses'][0]}")

    def _log_in(self, wanted: Login) -> dict[str, Any]:
        if not wanted.state_secret:
            return self._tailnet.log_in(wanted, wanted.passing_identity)
        state = self._cluster.state(wanted.pod, wanted.state_secret)
        identity = state.get(_PROFILE_KEY, b"").decode()
        if not identity:
            identity = secrets.token_hex(32)
            # Kept first: an identity that got lost would leave a device behind.
            self._cluster.keep_state(wanted.pod, wanted.state_secret, {_PROFILE_KEY: identity})
        device = self._tailnet.log_in(wanted, identity)
        found = {
            "device_id": device["nodeId"],
            "device_fqdn": f"{device['name']}.",
            "device_ips": json.dumps(device["addresses"]),
            "pod_uid": wanted.pod.uid,
        }
        self._cluster.keep_state(wanted.pod, wanted.state_secret, found)
        return device

    def _report(self, key: str, pod: Pod, message: str) -> None:
        before = self._troubles.get(key)
        pause = min(before.pause * 2, _LONGEST_PAUSE_SECONDS) if before else _FIRST_PAUSE_SECONDS
        self._troubles[key] = _Trouble(message, pause, self._now() + pause)
        if before is None or before.message != message:
            self._say(f"{key}: {message}")
            self._cluster.warn(pod, message)

    def _take_away(self, device: dict[str, Any], state_secrets: Collection[str]) -> None:
        name, secret = device["name"], device["note"]["stateSecret"]
        try:
            if device["isEphemeral"]:
                self._tailnet.remove(device["nodeId"])
                self._say(f"{name}: ephemeral, gone with its pod")
            elif secret and secret not in state_secrets:
                self._tailnet.remove(device["nodeId"])
                self._say(f"{name}: gone with its state Secret {secret}")
            elif device["connectedToControl"]:
                self._tailnet.set_offline(device["nodeId"])
                self._say(f"{name}: offline, its pod has ended")
        except httpx.HTTPStatusError as error:
            self._say(f"{name}: cannot take it away: HTTP {error.response.status_code}")
