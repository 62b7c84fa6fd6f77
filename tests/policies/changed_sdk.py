"""Copies of the installed pulumi-policy with something changed, for a process's PYTHONPATH."""

import shutil
from pathlib import Path

import pulumi_policy


def changed_sdk(folder: Path, before: str, after: str) -> Path:
    """A folder with a copy of the SDK in which the text `before` reads `after`."""
    copy = folder / "sdk" / "pulumi_policy"
    shutil.copytree(Path(pulumi_policy.__file__).parent, copy)
    source = copy / "policy.py"
    text = source.read_text()
    assert before in text, f"the SDK no longer has {before!r}"
    source.write_text(text.replace(before, after))
    return copy.parent
