"""What every Tailscale pod has in common: no privilege, and tailscaled in userspace mode.

Environment variables and endpoints are containerboot's, as cmd/containerboot of Tailscale v1.102.3
documents them.
"""

import base64
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core import v1 as core

from ..cluster.pod_parts import http_probe
from ..cluster.ports import HEALTH_PORT, WIREGUARD_PORT

CREDENTIAL_KEY = "authkey"
MEMORY_LIMIT = "512Mi"
"""The memory limit of a container with tailscaled; Go's own limit is below it."""
# Left alone, one busy connection takes tailscaled v1.102.3 to 335 MB, eight to 646 MB at a gateway
# and 849 MB at an exit node (make bench's paths): past any limit fit for a small node, which would
# kill it. Go's runtime collects in time when told of a limit.
_GO_MEMORY_LIMIT = "400MiB"

_CREDENTIAL_PATH = "/run/secrets/tailscale"
# The user of upstream's own userspace manifests.
_USER = 1000


def credential_data(credential: pulumi.Input[str]) -> dict[str, pulumi.Output[str]]:
    """A Secret's `data` with the credential where the pods look for it.

    Not `stringData`: the provider turns that into `data` once the value is known, so an update
    that a saved plan constrains would be refused, and the refusal would print the value.
    """
    encoded = pulumi.Output.secret(credential).apply(
        lambda value: base64.b64encode(value.encode()).decode()
    )
    return {CREDENTIAL_KEY: encoded}


def pod_security() -> core.PodSecurityContextArgs:
    """A pod security context that Pod Security's level `restricted` admits."""
    return core.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=_USER,
        run_as_group=_USER,
        fs_group=_USER,
        seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
    )


def container_security() -> core.SecurityContextArgs:
    """A container security context with no capability and nothing to write to but volumes."""
    return core.SecurityContextArgs(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
    )


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """One tailscaled in a pod; the ports and the socket differ where a pod has several."""

    hostname: str
    tag: str
    flags: tuple[str, ...]
    health_port: int = HEALTH_PORT
    wireguard_port: int = WIREGUARD_PORT
    socket: str = "/tmp/tailscaled.sock"  # noqa: S108  the pod's own emptyDir


def environment(daemon: Daemon, **more: str) -> list[core.EnvVarArgs]:
    """containerboot's environment; `more` are further variables of it.

    All of it is plain text, because the policies judge it in a preview: a flag refers to what is
    not known yet as `$(NAME)`, a variable defined earlier.
    """
    values = {
        "TS_HOSTNAME": daemon.hostname,
        # A file, so that the credential is in no environment and no process argument.
        "TS_AUTHKEY": f"file:{_CREDENTIAL_PATH}/{CREDENTIAL_KEY}",
        "TS_USERSPACE": "true",
        # Else containerboot needs cluster DNS to find the API server.
        "TS_KUBERNETES_READ_API_SERVER_ADDRESS_FROM_ENV": "true",
        "TS_ACCEPT_DNS": "false",
        # With it, the flags would count for the first login only.
        "TS_AUTH_ONCE": "false",
        "TS_EXTRA_ARGS": " ".join((f"--advertise-tags={daemon.tag}", *daemon.flags)),
        "TS_TAILSCALED_EXTRA_ARGS": f"--port={daemon.wireguard_port}",
        "TS_ENABLE_HEALTH_CHECK": "true",
        "TS_ENABLE_METRICS": "true",
        "TS_LOCAL_ADDR_PORT": f"[::]:{daemon.health_port}",
        "TS_SOCKET": daemon.socket,
        "GOMEMLIMIT": _GO_MEMORY_LIMIT,
        **more,
    }
    # An empty value is left out, as the API server leaves it out: a saved plan compares the two.
    return [core.EnvVarArgs(name=name, value=value or None) for name, value in values.items()]


def startup_probe(daemon: Daemon) -> core.ProbeArgs:
    """Passed once the node has a tailnet address; gives a slow login five minutes."""
    return http_probe("/healthz", daemon.health_port, period=5, failures=60)


def readiness_probe(daemon: Daemon) -> core.ProbeArgs:
    """Passes while tailscaled is logged in and running: `status` fails in every other state."""
    command = ["tailscale", f"--socket={daemon.socket}", "status", "--peers=false"]
    return core.ProbeArgs(
        exec_=core.ExecActionArgs(command=command),
        period_seconds=10,
        timeout_seconds=5,
        failure_threshold=3,
    )


def liveness_probe(daemon: Daemon) -> core.ProbeArgs:
    """Fails only when tailscaled itself no longer answers: containerboot asks it for the metrics.

    It does not look at the tailnet: an outage there is no reason to restart anything.
    """
    return http_probe("/metrics", daemon.health_port, period=30, failures=4, timeout=5)


def volumes(credential_secret: str) -> list[core.VolumeArgs]:
    """The credential, and room for the socket: all that the root file system is not for."""
    return [
        core.VolumeArgs(
            name="credential",
            secret=core.SecretVolumeSourceArgs(secret_name=credential_secret, default_mode=0o440),
        ),
        core.VolumeArgs(name="tmp", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit="32Mi")),
    ]


def mounts() -> list[core.VolumeMountArgs]:
    return [
        core.VolumeMountArgs(name="credential", mount_path=_CREDENTIAL_PATH, read_only=True),
        core.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108  the pod's own emptyDir
    ]
