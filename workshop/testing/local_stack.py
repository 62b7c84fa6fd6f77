"""A stack that needs no lab: its state is a folder, its engine the one of the toolchain."""

import os
import secrets
import subprocess
from pathlib import Path
from typing import Any

import yaml

from operations.delivery.environment import engine, engine_variables
from workshop.testing.checkout import REPOSITORY, Completed, passed


def write_program(folder: Path, source: str, **fields: Any) -> Path:
    """A project whose program is `source`, in a new folder `project`, which is given back.

    It runs by this checkout's packages; `fields` are more of Pulumi.yaml.
    """
    project = folder / "project"
    project.mkdir()
    runtime = {"name": "python", "options": {"virtualenv": str(REPOSITORY / ".venv")}}
    document = {"name": "reef", "runtime": runtime, **fields}
    (project / "Pulumi.yaml").write_text(yaml.safe_dump(document))
    (project / "__main__.py").write_text(source)
    return project


class LocalStack:
    """A stack of the project in `folder`, with `environment` besides the engine's own."""

    def __init__(self, folder: Path, name: str = "kept", **environment: str) -> None:
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
        passed(self.run("stack", "init", name))

    def run(self, *arguments: str) -> Completed:
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
