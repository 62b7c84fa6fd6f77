"""A lab's cgroups: one folder in each hierarchy, with a folder a node, gone when the lab is down.

Both versions of the kernel's interface (Linux, admin-guide/cgroup-v1 and cgroup-v2).
"""

import hashlib
import os
import time
from pathlib import Path

from workshop.lab.home import Home, LabError

_ROOT = Path("/sys/fs/cgroup")
_UNIFIED = ""
_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")
# What a kubelet asks for; cpu and cpuacct are one hierarchy on some machines and two on others.
_HIERARCHIES = (
    "cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd",
)  # fmt: skip
_SECONDS_TO_END = 20.0


def can_be_made() -> bool:
    """Whether this process may make cgroups."""
    return bool(_tops()) and all(os.access(each, os.W_OK) for each in _tops().values())


def make(home: Home, node: str) -> dict[str, Path]:
    """The node's folders by the name of their hierarchy, made where they are not there.

    Version 2 has one hierarchy, whose name is empty.
    """
    folders = _folders(home)
    for hierarchy, top in folders.items():
        for folder in (top, top / node):
            folder.mkdir(exist_ok=True)
            if hierarchy == "cpuset":
                # In version 1 these do not come from the parent by themselves.
                for name in ("cpuset.cpus", "cpuset.mems"):
                    (folder / name).write_text((folder.parent / name).read_text())
            elif hierarchy == _UNIFIED:
                _enable_controllers(folder.parent)
    return {hierarchy: top / node for hierarchy, top in folders.items()}


def remove(home: Home) -> None:
    """Remove all of the lab's once its processes have ended; raises LabError where one stays."""
    for top in _folders(home).values():
        deadline = time.monotonic() + _SECONDS_TO_END
        while top.exists():
            for folder, _, _ in os.walk(top, topdown=False):
                # One that is in use, or that a process is just leaving.
                _rmdir(Path(folder))
            if time.monotonic() > deadline:
                raise LabError(f"cgroup {top} is in use: end the processes in its cgroup.procs")
            time.sleep(0.02)


def processes(home: Home, node: str, name: str) -> list[int]:
    """Pids, as this machine counts them, in the node's cgroups of that name and all below."""
    folders = _folders(home)
    top = folders.get(_UNIFIED) or folders["pids"]
    found: list[int] = []
    for folder in (top / node).rglob(name):
        for each in sorted(folder.rglob("cgroup.procs")):
            found += map(int, each.read_text().split())
    return sorted(found)


def _folders(home: Home) -> dict[str, Path]:
    """The lab's folder at the top of each hierarchy, whichever cgroup a command runs in."""
    name = f"oceanid-lab-{hashlib.sha256(str(home.path).encode()).hexdigest()[:12]}"
    return {hierarchy: top / name for hierarchy, top in _tops().items()}


def _tops() -> dict[str, Path]:
    if (_ROOT / "cgroup.controllers").exists():
        return {_UNIFIED: _ROOT}
    return {each: _ROOT / each for each in _HIERARCHIES if (_ROOT / each).is_dir()}


def _enable_controllers(folder: Path) -> None:
    there = (folder / "cgroup.controllers").read_text().split()
    wanted = " ".join(f"+{name}" for name in _CONTROLLERS if name in there)
    (folder / "cgroup.subtree_control").write_text(wanted)


def _rmdir(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
