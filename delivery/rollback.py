"""Puts a stack back to what an earlier commit describes, by that commit's own program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from delivery.environment import REPOSITORY, DeliveryError, lab_folder
from delivery.work_tree import git

# Made by the commands and the same for every commit: the old program runs on them as they are.
_SHARED = (".venv", ".toolchain")


def run(stack: str, revision: str) -> int:
    """`up` of `stack` as `revision` has it; the exit code of that commit's own command.

    Raises DeliveryError when there is no such commit.
    """
    with _checkout(revision) as tree:
        print(f"delivery: {stack} goes back to what {revision} describes", flush=True)
        command = [sys.executable, "-m", "delivery", "up", "--stack", stack]
        environment = {**os.environ, "OCEANID_LAB": str(lab_folder())}
        return subprocess.run(command, cwd=tree, env=environment, check=False).returncode


@contextmanager
def _checkout(revision: str) -> Iterator[Path]:
    """A work tree of `revision` for as long as the block runs; raises DeliveryError for none."""
    commit = git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    if not commit:
        raise DeliveryError(f"TO={revision}: no such commit here: name one that `git log` shows")
    folder = Path(tempfile.mkdtemp(prefix="oceanid-rollback-"))
    try:
        git("worktree", "add", "--detach", str(folder / "tree"), commit)
        for name in _SHARED:
            (folder / "tree" / name).symlink_to(REPOSITORY / name)
        yield folder / "tree"
    finally:
        git("worktree", "remove", "--force", str(folder / "tree"))
        shutil.rmtree(folder, ignore_errors=True)
