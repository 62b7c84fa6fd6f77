"""The commit this checkout is at, which is what a release is called."""

from __future__ import annotations

import subprocess
from pathlib import Path

from delivery.environment import REPOSITORY, DeliveryError


def clean_commit() -> str:
    """The full hash of HEAD; raises DeliveryError when the work tree holds anything else."""
    commit = git("rev-parse", "--verify", "--quiet", "HEAD").strip()
    if not commit:
        raise DeliveryError("this is no git checkout with a commit: a release is a commit")
    status = _run("status", "--porcelain")
    if status.returncode != 0:
        said = status.stderr.strip().splitlines()[:1] or ["no reason given"]
        raise DeliveryError(f"git cannot say whether the work tree has changes: {said[0]}")
    changed = status.stdout.splitlines()
    if changed:
        raise DeliveryError(
            f"the work tree has changes ({changed[0].strip()}, {len(changed)} in all): a release "
            "is a commit, so commit them, or take them out by git stash --include-untracked"
        )
    return commit


def has(commit: str) -> bool:
    """Whether this clone has the commit; a shallow one may not."""
    return bool(git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").strip())


def check_out(commit: str, folder: Path) -> None:
    """Make a work tree of the commit in `folder`; raises DeliveryError with git's own reason."""
    result = _run("worktree", "add", "--detach", str(folder), commit)
    if result.returncode != 0:
        said = result.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise DeliveryError(
            f"{commit[:12]} cannot be checked out beside this one: git says: {said[0]}"
        )


def git(*arguments: str) -> str:
    """What git prints, or nothing when it fails."""
    result = _run(*arguments)
    return result.stdout if result.returncode == 0 else ""


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
