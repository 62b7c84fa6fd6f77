"""`python launcher.py < SPEC`: starts one program in namespaces of its own, and ends it with us.

Standard input is one line of JSON, then silence: when it closes, because whoever started this
ended in whatever way, the program and everything it started are killed. They are in a PID
namespace of their own, so nothing gets away. SIGTERM is passed on; the exit code is the program's,
or 128 and the signal's number.

The spec: `network`, the path of a network namespace; `argv`; `environment`; and, for a container,
`root`: `folder`, an empty folder to build its file system on; `mounts`, a list of `source`,
`target`, `writable`; `links`, a mapping from a path to what it points to; `files`, a mapping from a
path to its text; `hostname`, `user`, `group`.

It stands alone, with the standard library only, because it starts for every container.
"""

import ctypes
import json
import os
import select
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

# linux/sched.h, linux/mount.h, linux/prctl.h
_NEW_MOUNTS, _NEW_HOSTNAME, _NEW_IPC = 0x00020000, 0x04000000, 0x08000000
_NEW_PIDS, _NEW_NETWORK = 0x20000000, 0x40000000
_READ_ONLY, _NO_SUID, _NO_DEVICES, _REMOUNT = 1, 2, 4, 32
_BIND, _RECURSIVE, _PRIVATE = 4096, 16384, 1 << 18
_SET_DEATH_SIGNAL, _DROP_FROM_BOUNDS, _NO_NEW_PRIVILEGES = 1, 24, 38
_DETACH = 2
_LAST_CAPABILITY = 40
_KILLED, _NOT_STARTED = 128, 127
_DEVICES = ("null", "zero", "full", "random", "urandom")

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> int:
    """Start the program and wait for its end; 127 with a line where it cannot start."""
    spec = json.loads(_line())
    with Path(spec["network"]).open("rb") as network:
        _check(_libc.setns(network.fileno(), _NEW_NETWORK), "setns")
    _check(_libc.unshare(_NEW_MOUNTS | _NEW_PIDS | _NEW_HOSTNAME | _NEW_IPC), "unshare")
    child = os.fork()
    if child == 0:
        try:
            _become(spec)
        except BaseException as error:  # noqa: BLE001  a forked child must not return
            os.write(2, f"launcher: {error}\n".encode())
        os._exit(_NOT_STARTED)
    return _wait(child)


def _line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 65536)
        if not piece:
            break
        line += piece
    return line


def _wait(child: int) -> int:
    def passed_on(number: int, _frame: FrameType | None) -> None:
        os.kill(child, number)

    signal.signal(signal.SIGTERM, passed_on)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    handle = os.pidfd_open(child)
    ready, _, _ = select.select([handle, 0], [], [])
    if handle not in ready:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else _KILLED - code


def _become(spec: dict[str, Any]) -> None:
    _check(_libc.mount(b"none", b"/", None, _RECURSIVE | _PRIVATE, None), "mount /")
    root = spec.get("root")
    if root is None:
        _mount("proc", "/proc", "proc")
    else:
        _build(root)
        _drop(root["user"], root["group"])
    # After the change of user, which clears it.
    _check(_libc.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0), "prctl")
    silence = os.open("/dev/null", os.O_RDONLY)
    os.dup2(silence, 0)
    os.execvpe(spec["argv"][0], spec["argv"], spec["environment"])  # noqa: S606  no shell is wanted


def _build(root: dict[str, Any]) -> None:
    """Make the file system, and make it the only one there is."""
    top = Path(root["folder"])
    _mount("tmpfs", str(top), "tmpfs", _NO_SUID, "mode=755")
    for mount in root["mounts"]:
        _bind(mount["source"], _inside(top, mount["target"]), writable=mount["writable"])
    for name in _DEVICES:
        _bind(f"/dev/{name}", _inside(top, f"/dev/{name}"), writable=True)
    for path, target in root["links"].items():
        place = _inside(top, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    for path, text in root["files"].items():
        place = _inside(top, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    process_folder = top / "proc"
    process_folder.mkdir(exist_ok=True)
    _mount("proc", str(process_folder), "proc")
    old = top / ".old"
    old.mkdir()
    os.chdir(top)
    _check(_libc.syscall(_pivot_root(), b".", b".old"), "pivot_root")
    os.chdir("/")
    _check(_libc.umount2(b"/.old", _DETACH), "umount2")
    Path("/.old").rmdir()
    _check(_libc.mount(b"none", b"/", None, _REMOUNT | _BIND | _READ_ONLY, None), "remount /")
    _check(_libc.sethostname(root["hostname"].encode(), len(root["hostname"])), "sethostname")


def _pivot_root() -> int:
    # The C library has no function for it: numbers of asm/unistd.h.
    return 155 if os.uname().machine == "x86_64" else 41


def _inside(top: Path, path: str) -> Path:
    return top / path.lstrip("/")


def _bind(source: str, place: Path, *, writable: bool) -> None:
    if Path(source).is_dir():
        place.mkdir(parents=True, exist_ok=True)
    elif not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    target = str(place).encode()
    _check(_libc.mount(source.encode(), target, None, _BIND | _RECURSIVE, None), f"bind {place}")
    if not writable:
        flags = _REMOUNT | _BIND | _READ_ONLY | _NO_SUID
        _check(_libc.mount(b"none", target, None, flags, None), f"remount {place}")


def _mount(kind: str, place: str, name: str, flags: int = 0, data: str = "") -> None:
    code = _libc.mount(name.encode(), place.encode(), kind.encode(), flags, data.encode())
    _check(code, f"mount {place}")


def _drop(user: int, group: int) -> None:
    """Be an ordinary user with no capability and no way to get one, as `restricted` has it."""
    for capability in range(_LAST_CAPABILITY + 1):
        _libc.prctl(_DROP_FROM_BOUNDS, capability, 0, 0, 0)
    os.setgroups([group])
    os.setgid(group)
    os.setuid(user)
    _check(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")


def _check(code: int, what: str) -> None:
    if code != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    if sys.argv[1:]:
        os.write(2, b"launcher: it takes no arguments: the spec comes on standard input\n")
        sys.exit(2)
    sys.exit(main())
