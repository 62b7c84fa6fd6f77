"""A network namespace without a name: it lives as long as its holder, and the holder as long as
the process that made it.

The holder is a process that reads a pipe of which only this process has the other end. However
this process ends, the pipe closes, the holder ends, and the kernel takes the namespace with its
links, routes and rules away: nothing can be left behind, and two runs cannot meet.
"""

import ctypes
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workshop.lab.home import LabError

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_SECONDS = 20.0
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """One network namespace; `name` is for messages only, `path` is the file that stands for it.

    `holder` is there in the process that made it.
    """

    name: str
    path: str
    holder: subprocess.Popen[bytes] | None = None

    @classmethod
    def make(cls, name: str) -> "Namespace":
        """A new one with its loopback up; raises LabError where the kernel refuses."""
        try:
            # `cat` says nothing and ends with its input. Its own session: a Ctrl-C is for us.
            holder = subprocess.Popen(
                ["unshare", "--net", "cat"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Not the mark by which the lab knows its process that makes namespaces.
                env={"PATH": os.environ["PATH"]},
                start_new_session=True,
            )
        except OSError as error:
            raise LabError(f"namespace {name}: {error}") from None
        namespace = cls(name=name, path=f"/proc/{holder.pid}/ns/net", holder=holder)
        ours = Path("/proc/self/ns/net").readlink()
        while holder.poll() is None:
            # Its own namespace, and past `exec`: `unshare` and `cat` are one process.
            if Path(namespace.path).readlink() != ours and _is_past_exec(holder.pid):
                namespace.ip("link set lo up")
                return namespace
            time.sleep(0.001)
        raise LabError(f"namespace {name}: the kernel does not let this process make one")

    def end(self) -> None:
        """End the holder; the namespace goes with the last process in it."""
        if self.holder is not None and self.holder.stdin is not None:
            self.holder.stdin.close()
            self.holder.wait(_SECONDS)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is in the namespace inside the block; sockets it makes there stay there."""
        own = Path("/proc/thread-self/ns/net")
        with own.open("rb") as before, Path(self.path).open("rb") as inside:
            _enter(inside.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def argv(self, command: Sequence[str]) -> list[str]:
        """The command as one that runs in the namespace."""
        return ["nsenter", f"--net={self.path}", "--", *command]

    def run(self, command: Sequence[str], *, text: str = "") -> str:
        """The command's output; `text` is its input. Raises LabError with its error."""
        done = subprocess.run(
            self.argv(command),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        if done.returncode != 0:
            said = done.stderr.strip().replace("\n", "; ")[:300]
            raise LabError(f"{self.name}: {' '.join(command)[:200]}: {said}")
        return done.stdout

    def ip(self, *lines: str) -> None:
        """Lines for `ip`, all or the first wrong one: `link add …`, `addr add …`."""
        self.run(["ip", "-batch", "-"], text="".join(f"{line}\n" for line in lines))

    def nft(self, ruleset: str) -> None:
        """A script for `nft`, taken whole or not at all."""
        self.run(["nft", "-f", "-"], text=ruleset)

    def sysctl(self, **values: int | str) -> None:
        """Kernel settings below `net`, `ipv4__ip_forward=1` for `net.ipv4.ip_forward`."""
        with self.entered():
            for key, value in values.items():
                Path("/proc/thread-self/root/proc/sys/net", *key.split("__")).write_text(str(value))


def _is_past_exec(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text().strip() == "cat"


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise LabError(f"setns: {os.strerror(number)} (thread {threading.get_ident()})")
