"""What containerboot makes of a container's environment.

Source: tailscale.com/cmd/containerboot (v1.102) and `tailscale up`. Only what shows in the tailnet
is simulated: who logs in, under which name, with which tags and routes, and where state is kept.
"""

import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workshop.lab.simulated_devices.pod import Objects, Pod, PodError

EXIT_ROUTES = ("0.0.0.0/0", "::/0")
_MARKS = ("TS_AUTHKEY", "TS_AUTH_KEY", "TS_CLIENT_SECRET", "TS_KUBE_SECRET", "TS_HOSTNAME")
_CONTAINERBOOT = "/usr/local/bin/containerboot"
_SECONDS_TO_START = 5.0
_FALSE = ("0", "f", "false")


@dataclass(frozen=True, kw_only=True)
class Login:
    """A device that wants to be in the tailnet.

    `state_secret` is empty where the node's identity ends with its pod.
    """

    pod: Pod
    container: str
    auth_key: str
    hostname: str
    tags: tuple[str, ...]
    routes: tuple[str, ...]
    state_secret: str

    @property
    def key(self) -> str:
        """The device's name within the lab."""
        return f"{self.pod.namespace}/{self.pod.name}/{self.pod.uid}/{self.container}"

    @property
    def passing_identity(self) -> str:
        """The identity of a device without a state Secret: it lives as long as its pod."""
        return hashlib.sha256(f"{self.pod.uid}/{self.container}".encode()).hexdigest()


def is_tailscale(container: Mapping[str, Any]) -> bool:
    """Whether the container runs containerboot, by the variables only that reads."""
    names = {variable["name"] for variable in container.get("env") or []}
    return not names.isdisjoint(_MARKS)


def login(pod: Pod, container: Mapping[str, Any], objects: Objects) -> Login:
    """What the container would log in with; raises PodError where it would not start."""
    environment = _after_start_script(container, pod.environment(container, objects))
    arguments = _flags(environment.get("TS_EXTRA_ARGS", ""))
    credential = _credential(environment, arguments)
    if credential.startswith("file:"):
        credential = pod.file(container, credential.removeprefix("file:"), objects)
    routes = [r for r in environment.get("TS_ROUTES", "").split(",") if r]
    routes += [r for r in arguments.get("advertise-routes", "").split(",") if r]
    if _true(arguments.get("advertise-exit-node", "false")):
        routes += EXIT_ROUTES
    tags = arguments.get("advertise-tags", "")
    return Login(
        pod=pod,
        container=str(container["name"]),
        auth_key=credential.strip(),
        hostname=environment.get("TS_HOSTNAME") or arguments.get("hostname") or pod.name,
        tags=tuple(t for t in tags.split(",") if t),
        routes=tuple(dict.fromkeys(routes)),
        # In a cluster state goes to the Secret "tailscale" unless told otherwise.
        state_secret=environment.get("TS_KUBE_SECRET", "tailscale"),
    )


def _after_start_script(
    container: Mapping[str, Any], environment: dict[str, str]
) -> dict[str, str]:
    """The environment containerboot gets where a shell starts it: the script is really run.

    With `env` in containerboot's place, and with the lab's own rights: whoever may make pods in
    the lab runs commands as its user. Nothing but a lab would do that.
    """
    command = container.get("command") or []
    if command[:2] != ["/bin/sh", "-ec"] or _CONTAINERBOOT not in command[2]:
        return environment
    result = subprocess.run(
        ["/bin/sh", "-ec", command[2].replace(_CONTAINERBOOT, "env -0")],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS_TO_START,
    )
    if result.returncode != 0:
        raise PodError(f"the start script exits with {result.returncode}: correct its command")
    pairs = (each.partition("=") for each in result.stdout.split("\0") if each)
    return {key: value for key, _, value in pairs}


def _credential(environment: Mapping[str, str], arguments: Mapping[str, str]) -> str:
    if environment.get("TS_CLIENT_SECRET"):
        return environment["TS_CLIENT_SECRET"]
    given = environment.get("TS_AUTHKEY") or environment.get("TS_AUTH_KEY")
    return given or arguments.get("auth-key") or arguments.get("authkey") or ""


def _flags(text: str) -> dict[str, str]:
    """Flags of `tailscale up`, split on white space as containerboot does: quotes are plain."""
    flags: dict[str, str] = {}
    words = text.split()
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            raise PodError(f"TS_EXTRA_ARGS: {word!r} is no flag of 'tailscale up'")
        name, equals, value = word.lstrip("-").partition("=")
        if not equals:
            # Go's flags: a boolean stands alone, others take the next word.
            boolean = not words or words[0].startswith("-")
            value = "true" if boolean else words.pop(0)
        flags[name] = value
    return flags


def _true(text: str) -> bool:
    return text.lower() not in _FALSE
