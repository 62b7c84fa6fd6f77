"""tailscaled in kernel mode: real containerboot as root in a namespace, a node's or a pod's."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from settings.names import GATEWAY_TAG
from workshop.lab.home import BIN
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import RESOLVER
from workshop.lab.network.process import PATH, Process
from workshop.lab.private_file import write_private
from workshop.testing.nodes.fleet import Fleet

# Process 1 stands for an init: it goes on, and buries what ends.
_INIT = (
    'mount --bind "$RESOLVER_FILE" /etc/resolv.conf; containerboot & while :; do sleep 0.2; done'
)
# containerboot says so after `tailscale up` has made its settings hold.
_UP = "Startup complete"


@contextmanager
def kernel_mode(
    fleet: Fleet,
    namespace: Namespace,
    folder: Path,
    hostname: str,
    environment: Mapping[str, str],
) -> Iterator[Process]:
    """It and its init, for as long as the block lasts; `environment` is containerboot's own.

    `folder` keeps its state, `hostname` is its name in the tailnet.
    """
    folder.mkdir()
    (folder / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
    write_private(folder / "authkey", _key(fleet))
    # The image calls its legacy iptables plainly `iptables`.
    programs = folder / "bin"
    programs.mkdir()
    for name in ("iptables", "ip6tables"):
        (programs / name).symlink_to(f"/usr/sbin/{name}-legacy")
    process = Process.start(
        hostname,
        namespace,
        ["bash", "-c", _INIT],
        log=folder / "log",
        environment={
            "PATH": f"{programs}:{BIN}:{PATH}",
            "RESOLVER_FILE": str(folder / "resolv.conf"),
            "SSL_CERT_FILE": str(fleet.trusted),
            "TS_USERSPACE": "false",
            "TS_KUBE_SECRET": "",
            "TS_STATE_DIR": str(folder / "state"),
            "TS_SOCKET": str(folder / "socket"),
            "TS_AUTHKEY": f"file:{folder / 'authkey'}",
            "TS_HOSTNAME": hostname,
            **environment,
        },
    )
    process.until_started()
    try:
        yield process
    finally:
        process.kill()


def until_up(process: Process) -> None:
    """Wait until it is in the tailnet, with the exit node it was told to use, if any."""
    process.until(lambda: _UP in process.log.read_text(), "up", seconds=60)


def _key(fleet: Fleet) -> str:
    create = {
        "reusable": True,
        "ephemeral": True,
        "preauthorized": True,
        "tags": [GATEWAY_TAG],
    }
    body = {"capabilities": {"devices": {"create": create}}, "expirySeconds": 3600}
    return str(fleet.tailnet("POST", "/tailnet/-/keys", body)["key"])
