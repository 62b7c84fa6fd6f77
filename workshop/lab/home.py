"""Where the lab keeps what it makes: one folder, readable by its owner only."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

from workshop.lab.ports import claim
from workshop.lab.private_file import write_private

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = REPOSITORY / ".toolchain" / "bin"


class LabError(Exception):
    """The lab cannot go on; the text is one line with the fix."""


@dataclass(frozen=True, kw_only=True)
class Home:
    """The lab's folder, `.lab` of the checkout unless OCEANID_LAB names another."""

    path: Path

    @classmethod
    def default(cls) -> "Home":
        """The folder of this process's environment."""
        return cls(path=Path(os.environ.get("OCEANID_LAB") or REPOSITORY / ".lab").resolve())

    def make(self) -> None:
        """Create the folder and its parts, closed to other users: it holds keys."""
        for folder in (self.path, self.logs, self.processes, self.pki):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def logs(self) -> Path:
        """Logs of every lab process, appended to across restarts."""
        return self.path / "log"

    @property
    def processes(self) -> Path:
        return self.path / "run"

    @property
    def pki(self) -> Path:
        return self.path / "pki"

    @property
    def kubeconfig(self) -> Path:
        return self.path / "kubeconfig"

    @property
    def environment(self) -> Path:
        """`KEY=value` lines: what a program needs in its environment to use the lab."""
        return self.path / "env"

    def port(self, name: str) -> int:
        """The loopback port of `name`: chosen free the first time, the same ever after.

        A port that moved would make the engine take the lab for another cluster.
        """
        record = self.path / "ports.json"
        # Services of the lab choose ports too, while a command does.
        with (self.path / "ports.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            ports: dict[str, int] = json.loads(record.read_text()) if record.exists() else {}
            if name not in ports:
                ports[name] = claim(self.path)
                write_private(record, json.dumps(ports, indent=2) + "\n")
        return ports[name]
