"""What the network lab needs of the machine, and what of it is not there."""

import os
import shutil
import sys
from pathlib import Path

from workshop.lab.home import BIN

PROGRAMS = (
    "tailscaled",
    "tailscale",
    "containerboot",
    "lab-control",
    "coredns",
    "blackbox_exporter",
)
"""What `python -m workshop.toolchain network` builds for it, in `.toolchain/bin`."""
_COMMANDS = {
    "conntrack": "conntrack",
    "ip": "iproute2",
    "iptables-legacy": "iptables",
    "nft": "nftables",
    "nsenter": "util-linux",
}


def missing() -> str | None:
    """Why the network lab cannot run here and how to mend it, in one line; None where it can."""
    if sys.platform != "linux":
        return "network namespaces are Linux': run it on a Linux machine"
    if os.geteuid() != 0:
        return (
            "making network namespaces, their links and their packet filters takes root: "
            "run `sudo make test-network`"
        )
    absent = [package for command, package in _COMMANDS.items() if shutil.which(command) is None]
    if absent:
        return f"{', '.join(absent)} is not installed: apt-get install {' '.join(absent)}"
    if not Path("/dev/net/tun").exists():
        return "/dev/net/tun is missing, which tailscaled in kernel mode opens: modprobe tun"
    unbuilt = [name for name in PROGRAMS if not (BIN / name).exists()]
    if unbuilt:
        return f"{', '.join(unbuilt)} is not built: run `make test-network`"
    return None
