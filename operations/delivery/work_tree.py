"""The commit this checkout is at, which is what a release is called."""

import subprocess
from pathlib import Path

from operations.delivery.environment import REPOSITORY
from operations.errors import OperationError


def clean_commit() -> str:
    """The full hash of HEAD; raises OperationError when the work tree holds anything else."""
    commit = git("rev-parse", "--verify", "--quiet", "HEAD").strip()
    if not commit:
        raise OperationError("this is no git checkout with a commit: a release is a commit")
    status = _run("status", "--porcelain")
    if status.returncode != 0:
        reason = status.stderr.strip().partition("\n")[0]
        raise OperationError(f"git cannot say whether the work tree has changes: {reason}")
    changed = status.stdout.splitlines()
    if changed:
        raise OperationError(
            f"the work tree has changes ({changed[0].strip()}, {len(changed)} in all): a release "
            "is a commit, so commit them, or take them out by git stash --include-untracked"
        )
    return commit


def has(commit: str) -> bool:
    """Whether this clone has the commit; a shallow one may not."""
    return bool(git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").strip())


def check_out(commit: str, folder: Path) -> None:
    """Make a work tree of the commit in `folder`; raises OperationError with git's own reason."""
    result = _run("worktree", "add", "--detach", str(folder), commit)
    if result.returncode != 0:
        reason = result.stderr.strip().rpartition("\n")[2]
        raise OperationError(f"{commit[:12]} cannot be checked out next to this one: git: {reason}")


def git(*arguments: str) -> str:
    """What git prints, or nothing when it fails."""
    result = _run(*arguments)
    return result.stdout if result.returncode == 0 else ""


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
