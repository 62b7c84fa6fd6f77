"""The official Pulumi CLI on PATH, where there is one that is new enough."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Older engines lack `policy analyze`, and before 3.208 options that come from the environment.
OLDEST = (3, 229, 0)


@dataclass(frozen=True, kw_only=True)
class OfficialEngine:
    command: Path
    version: str

    @property
    def is_new_enough(self) -> bool:
        match = re.match(r"(\d+)\.(\d+)\.(\d+)", self.version)
        return match is not None and tuple(map(int, match.groups())) >= OLDEST

    @property
    def why_not(self) -> str:
        return f"{self.command} is not Pulumi {'.'.join(map(str, OLDEST))} or newer"


def on_path(built: Path) -> OfficialEngine | None:
    """The `pulumi` on PATH; one that was built into the folder `built` does not count."""
    return _found(os.environ.get("PATH", ""), built)


@cache
def _found(folders: str, built: Path) -> OfficialEngine | None:
    path = os.pathsep.join(path for path in folders.split(os.pathsep) if Path(path) != built)
    command = shutil.which("pulumi", path=path)
    if command is None:
        return None
    result = subprocess.run([command, "version"], capture_output=True, text=True, check=False)
    match = re.match(r"v?(\d+\.\d+\.\d+)", result.stdout.strip())
    return OfficialEngine(command=Path(command), version=match[1] if match else "")
