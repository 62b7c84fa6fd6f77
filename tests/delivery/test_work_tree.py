"""A work tree that git cannot look at is not a clean one."""

import subprocess
from pathlib import Path

import pytest

from operations.delivery import work_tree
from operations.errors import OperationError
from workshop.testing.checkout import IDENTITY


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, in place of this one."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    for arguments in (("init", "--quiet"), ("commit", "--quiet", "--allow-empty", "-m", "One")):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    monkeypatch.setattr(work_tree, "REPOSITORY", tmp_path)
    return tmp_path


def test_a_work_tree_that_git_cannot_look_at_is_refused(tree: Path) -> None:
    (tree / ".git" / "index").write_text("torn")
    with pytest.raises(OperationError, match=r"git cannot say whether .*index"):
        work_tree.clean_commit()
