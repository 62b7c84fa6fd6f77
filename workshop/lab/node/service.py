"""What a node runs, for `init.py`."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from workshop.lab.home import BIN

PATH = f"{BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True)
class NodeService:
    """One program of a node; it starts when the files `after` are there."""

    name: str
    argv: tuple[str, ...]
    log: Path
    after: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def spec(self) -> dict[str, Any]:
        """As `init.py` reads it."""
        environment = {"PATH": PATH, "HOME": "/root", **self.environment}
        return asdict(self) | {"log": os.fspath(self.log), "environment": environment}
