"""Rolls a stack back to what an earlier commit describes, by that commit's own program."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from components.cluster.variables import ROLLBACK
from operations.delivery import earlier_state
from operations.delivery.environment import (
    LAB_STACK,
    REPOSITORY,
    engine_environment,
    is_built,
    lab_folder,
)
from operations.delivery.shell import LAB
from operations.delivery.work_tree import check_out, git
from operations.errors import OperationError

_PYTHON = ".venv/bin/python"
_PACKAGES = ("requirements-dev.lock",)
# By the layouts that the project has had, the newest first: a folder, and the module in it that
# runs `up --stack`, or fills `.toolchain`.
_COMMANDS = {
    "operations/cli": "operations.cli",
    "operations/delivery": "operations.delivery",
    "delivery": "delivery",
}
# Since this folder is there, no program needs kubectl.
_CLIENT = "operations/kubernetes"
_TOOLCHAINS = {"workshop/toolchain": "workshop.toolchain", "toolchain": "toolchain"}


def run(stack: str, revision: str) -> int:
    """`up` of `stack` as `revision` has it; the exit code of that commit's own command.

    Raises OperationError when there is no such commit, or it cannot be made ready to run.
    """
    # The old commit's program reads ROLLBACK. Its toolchain may know of no login: the
    # backend goes along by its name.
    environment = {
        **without_make(engine_environment(stack)),
        LAB: str(lab_folder()),
        ROLLBACK: "1",
    }
    # Only the lab, and the engine built here, need anything of it.
    has_toolchain = stack == LAB_STACK or is_built(stack)
    with _checkout(revision, has_toolchain=has_toolchain) as tree:
        if not (tree / _CLIENT).is_dir() and not has_toolchain and shutil.which("kubectl") is None:
            raise OperationError(
                f"the program of {revision} needs kubectl on PATH: install it; "
                "nothing has been changed"
            )
        print(f"oceanid: {stack} goes back to what {revision} describes", flush=True)
        earlier_state.restore(stack, tree, engine_environment(stack))
        command = [str(tree / _PYTHON), "-m", module_of(tree, _COMMANDS)[1], "up", "--stack", stack]
        return subprocess.run(command, cwd=tree, env=environment, check=False).returncode


@contextmanager
def _checkout(revision: str, *, has_toolchain: bool) -> Iterator[Path]:
    """A work tree of `revision` for as long as the block runs, with all its program needs."""
    commit = git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    if not commit:
        raise OperationError(f"there is no commit {revision} here: name one that `git log` shows")
    folder = Path(tempfile.mkdtemp(prefix="oceanid-rollback-"))
    tree = folder / "tree"
    try:
        check_out(commit, tree)
        _provide(tree, ".venv", commit, _PACKAGES, ("make", ".venv/.installed"))
        if has_toolchain:
            folder_of_it, module = module_of(tree, _TOOLCHAINS)
            _provide(tree, ".toolchain", commit, (folder_of_it,), (_PYTHON, "-m", module))
        yield tree
    finally:
        git("worktree", "remove", "--force", str(tree))
        shutil.rmtree(folder, ignore_errors=True)


def module_of(tree: Path, layouts: Mapping[str, str]) -> tuple[str, str]:
    """The first folder of `layouts` that a work tree has, and the module to run.

    Raises OperationError for a commit from before there was any.
    """
    for folder, module in layouts.items():
        if (tree / folder / "__main__.py").exists():
            return folder, module
    raise OperationError(f"that commit has none of {', '.join(layouts)}: name a later one")


def _provide(
    tree: Path, name: str, commit: str, sources: tuple[str, ...], command: tuple[str, ...]
) -> None:
    """Link what is here already where `sources` are the same in both commits, else make it."""
    if git("diff", "--name-only", commit, "--", *sources):
        _make(tree, name, command)
    else:
        (tree / name).symlink_to(REPOSITORY / name)


def _make(tree: Path, name: str, command: tuple[str, ...]) -> None:
    what = f"the commit to go back to needs a {name} of its own"
    print(f"oceanid: {what}: {' '.join(command)}", flush=True)
    environment = without_make(os.environ)
    if subprocess.run(command, cwd=tree, env=environment, check=False).returncode != 0:
        raise OperationError(
            f"{what}, which could not be made: see above; nothing has been changed"
        )


def without_make(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what `make rollback STACK=… TO=…` hands to every make below it."""
    return {k: v for k, v in environment.items() if not k.startswith(("MAKE", "MFLAGS"))}
