"""What real nodes need of the machine, and what of it is not there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from workshop.lab.node import cgroup

# The command, and the Debian package that has it.
_COMMANDS = {
    "conntrack": "conntrack",
    "ip": "iproute2",
    "ipset": "ipset",
    "iptables": "iptables",
    "nft": "nftables",
    "nsenter": "util-linux",
    "runc": "runc",
}
_ISOLATED = ("--net", "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--fork")


def missing() -> str | None:
    """Why this machine cannot hold real nodes, in one line with the remedy; None where it can."""
    if sys.platform != "linux":
        return "real nodes are made of Linux' namespaces: use a Linux machine"
    if os.geteuid() != 0:
        return "namespaces, cgroups and packet filters take root: use `sudo`"
    absent = [package for command, package in _COMMANDS.items() if shutil.which(command) is None]
    if absent:
        return f"{', '.join(absent)} is not installed: apt-get install {' '.join(absent)}"
    return _missing_in_kernel()


def _missing_in_kernel() -> str | None:
    if "overlay" not in Path("/proc/filesystems").read_text().split():
        return "the kernel has no overlay file system: modprobe overlay"
    if not cgroup.can_be_made():
        return "/sys/fs/cgroup cannot be written: give the container its own cgroups"
    if subprocess.run(["unshare", *_ISOLATED, "true"], capture_output=True, check=False).returncode:
        return "the kernel does not let this process make namespaces: run it outside a container"
    return None
