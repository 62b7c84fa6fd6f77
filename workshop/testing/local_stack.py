"""A stack that needs no lab: its state is a folder, its engine the one of the toolchain."""

import os
import secrets
import subprocess
from pathlib import Path

from delivery.environment import engine, engine_variables


class LocalStack:
    """The stack `kept` of the project in `folder`, with `environment` besides the engine's own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        (folder / "state").mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            **engine_variables(),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(16),
            **environment,
        }
        made = self.run("stack", "init", "kept")
        assert made.returncode == 0, made.stdout

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the engine's, both its streams as one."""
        return subprocess.run(
            [engine(), *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
