"""`python init.py SPEC`: process 1 of a node, in new network, mount, PID, UTS and IPC namespaces.

It joins the node's cgroups, makes the node's file system out of this machine's, and then starts
the node's services and starts each one again that ends, as systemd would. When it ends, the kernel
ends every process of the node, and with the last of them go the node's mounts, links and rules;
only its cgroups stay.

The spec is a JSON file, written by `spec.py`: `name`; `cgroups`, the folders to join, by the name
of their hierarchy; `binds`, pairs of a folder or file here and its place in the node; `shadowed`
and `sysctls`, kernel settings by their path below /proc/sys: the first are only shown with this
value, the second are set; and `services`, each with `name`, `argv`, `log`, `environment`, and
`after`, files that it waits for.

It stands alone, with the standard library only: it is all that a node has of this project.
"""

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# linux/mount.h, linux/sched.h
_BIND, _RECURSIVE, _PRIVATE, _SHARED = 4096, 16384, 1 << 18, 1 << 20
_NEW_CGROUP = 0x02000000
_POLL_SECONDS, _IDLE_SECONDS, _RESTART_SECONDS = 0.02, 60.0, 1.0
# cgroup v2, which has one hierarchy without a name.
_UNIFIED = ""

_libc = ctypes.CDLL(None, use_errno=True)


def main(path: str) -> int:
    """Be the node until SIGTERM."""
    spec = json.loads(Path(path).read_text())
    for folder in spec["cgroups"].values():
        (Path(folder) / "cgroup.procs").write_text("0")
    _check(_libc.unshare(_NEW_CGROUP), "unshare the cgroup namespace")
    _make_file_system(spec)
    for setting, value in spec["sysctls"].items():
        Path("/proc/sys", setting).write_text(value)
    name = spec["name"].encode()
    _check(_libc.sethostname(name, len(name)), "sethostname")
    _run(spec["services"])
    return 0


def _make_file_system(spec: dict[str, Any]) -> None:
    _mount("none", "/", flags=_RECURSIVE | _PRIVATE)
    # What this machine has in /run stays out of sight: the sockets of its own programs.
    _mount("run", "/run", "tmpfs", data="mode=755")
    Path("/run/lock").mkdir()
    # One of the new network namespace, and with it the node's own view of the cgroups.
    _mount("sysfs", "/sys", "sysfs")
    if _UNIFIED in spec["cgroups"]:
        _mount("cgroup2", "/sys/fs/cgroup", "cgroup2")
    else:
        _mount("cgroups", "/sys/fs/cgroup", "tmpfs", data="mode=755")
        for hierarchy in spec["cgroups"]:
            place = Path("/sys/fs/cgroup", hierarchy)
            place.mkdir()
            data = "none,name=systemd" if hierarchy == "systemd" else hierarchy
            _mount("cgroup", str(place), "cgroup", data=data)
    for source, target in spec["binds"]:
        if Path(source).is_dir():
            Path(target).mkdir(parents=True, exist_ok=True)
        _mount(source, target, flags=_BIND | _RECURSIVE)
    # Settings of the whole machine: the kubelet sees what it wants to see, and nothing is changed.
    for setting, value in spec["shadowed"].items():
        shadow = Path("/run", "shadow-" + setting.replace("/", "-"))
        shadow.write_text(value)
        _mount(str(shadow), f"/proc/sys/{setting}", flags=_BIND)
    # Volumes that the kubelet mounts are to appear in containers that are there already.
    _mount("none", "/", flags=_RECURSIVE | _SHARED)


def _run(services: list[dict[str, Any]]) -> None:
    """Start the services in their order, and again when they end; return at SIGTERM."""
    waited = {signal.SIGCHLD, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    waiting = list(services)
    due: list[tuple[float, dict[str, Any]]] = []
    running: dict[int, dict[str, Any]] = {}
    while True:
        now = time.monotonic()
        due += [(now, each) for each in waiting if all(map(os.path.exists, each["after"]))]
        waiting = [each for each in waiting if not all(map(os.path.exists, each["after"]))]
        for moment, service in list(due):
            if moment <= now:
                due.remove((moment, service))
                try:
                    running[_start(service)] = service
                except OSError as error:
                    _say(f"{service['name']} does not start: {error}")
                    due.append((now + _RESTART_SECONDS, service))
        pause = _POLL_SECONDS if waiting or due else _IDLE_SECONDS
        caught = signal.sigtimedwait(waited, pause)
        if caught is not None and caught.si_signo == signal.SIGTERM:
            return
        for pid, status in _ended():
            if ended := running.pop(pid, None):
                code = os.waitstatus_to_exitcode(status)
                _say(f"{ended['name']} ended ({code}): started again")
                due.append((time.monotonic() + _RESTART_SECONDS, ended))


def _start(service: dict[str, Any]) -> int:
    with Path(service["log"]).open("ab") as sink:
        process = subprocess.Popen(
            service["argv"],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env=service["environment"],
            cwd="/",
            # The signals that this process waits for are blocked in it, not in what it starts.
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, ()),  # noqa: PLW1509
        )
    # It is reaped below, with all the orphans of the node.
    process.returncode = 0
    return process.pid


def _say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def _ended() -> list[tuple[int, int]]:
    """The processes that have ended since the last call, with their status."""
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        found.append((pid, status))


def _mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    code = _libc.mount(source.encode(), target.encode(), kind.encode(), flags, data.encode())
    _check(code, f"mount {source} at {target}")


def _check(code: int, what: str) -> None:
    if code != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="init.py", description=__doc__, allow_abbrev=False)
    parser.add_argument("spec")
    sys.exit(main(parser.parse_args().spec))
