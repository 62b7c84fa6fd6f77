"""Puts a stack back to what an earlier commit describes, by that commit's own program."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from delivery.environment import REPOSITORY, DeliveryError, engine_environment, lab_folder
from delivery.work_tree import check_out, git

_PYTHON = ".venv/bin/python"
# What the commands make, what of the repository it is made from, and by which command. The old
# program runs on what is here already where that is made from the same.
_MADE = {
    ".venv": (("requirements.txt", "requirements-dev.txt"), ("make", ".venv/.installed")),
    ".toolchain": (("toolchain",), (_PYTHON, "-m", "toolchain")),
}


def run(stack: str, revision: str) -> int:
    """`up` of `stack` as `revision` has it; the exit code of that commit's own command.

    Raises DeliveryError when there is no such commit, or it cannot be made ready to run.
    """
    # The old commit's program reads OCEANID_ROLLBACK [components/preflight.py]. Its toolchain may
    # know of no login: the backend goes along by its name.
    environment = {
        **without_make(engine_environment(stack)),
        "OCEANID_LAB": str(lab_folder()),
        "OCEANID_ROLLBACK": "1",
    }
    with _checkout(revision) as tree:
        print(f"delivery: {stack} goes back to what {revision} describes", flush=True)
        command = [str(tree / _PYTHON), "-m", "delivery", "up", "--stack", stack]
        return subprocess.run(command, cwd=tree, env=environment, check=False).returncode


@contextmanager
def _checkout(revision: str) -> Iterator[Path]:
    """A work tree of `revision` for as long as the block runs, with all its program needs."""
    commit = git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    if not commit:
        raise DeliveryError(f"TO={revision}: no such commit here: name one that `git log` shows")
    folder = Path(tempfile.mkdtemp(prefix="oceanid-rollback-"))
    tree = folder / "tree"
    try:
        check_out(commit, tree)
        for name, (sources, command) in _MADE.items():
            if git("diff", "--name-only", commit, "--", *sources):
                _make(tree, name, command)
            else:
                (tree / name).symlink_to(REPOSITORY / name)
        yield tree
    finally:
        git("worktree", "remove", "--force", str(tree))
        shutil.rmtree(folder, ignore_errors=True)


def _make(tree: Path, name: str, command: tuple[str, ...]) -> None:
    said = f"the commit to go back to needs a {name} of its own"
    print(f"delivery: {said}: {' '.join(command)}", flush=True)
    environment = without_make(os.environ)
    if subprocess.run(command, cwd=tree, env=environment, check=False).returncode != 0:
        raise DeliveryError(f"{said}, which could not be made: see above; nothing has been changed")


def without_make(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what `make rollback STACK=… TO=…` hands to every make below it."""
    return {k: v for k, v in environment.items() if not k.startswith(("MAKE", "MFLAGS"))}
