"""A state file that a kill has torn is put right from the backend's own backup."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operations.delivery.lab_stack import repair


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    folder = tmp_path / ".pulumi" / "stacks" / "oceanid-cluster"
    folder.mkdir(parents=True)
    (folder / "dev.json").write_text('{"checkpoint": "new"}')
    (folder / "dev.json.attrs").write_text('{"md5": "of the new one"}')
    (folder / "dev.json.bak").write_text('{"checkpoint": "before"}')
    return folder


def _checkpoint(stacks: Path) -> str:
    return str(json.loads((stacks / "dev.json").read_text())["checkpoint"])


def test_a_whole_state_is_left_alone(tmp_path: Path, stacks: Path) -> None:
    repair(tmp_path)
    assert _checkpoint(stacks) == "new"
    assert (stacks / "dev.json.attrs").exists()


@pytest.mark.parametrize("torn", ["", '{"checkpoint": "ne'])
def test_half_a_checkpoint_gives_way_to_its_backup(tmp_path: Path, stacks: Path, torn: str) -> None:
    (stacks / "dev.json").write_text(torn)
    repair(tmp_path)
    assert _checkpoint(stacks) == "before"
    assert not (stacks / "dev.json.attrs").exists()


def test_half_a_file_of_attributes_is_done_without(tmp_path: Path, stacks: Path) -> None:
    (stacks / "dev.json.attrs").write_text("")
    repair(tmp_path)
    assert _checkpoint(stacks) == "new"
    assert not (stacks / "dev.json.attrs").exists()


def test_without_a_whole_backup_nothing_is_touched(tmp_path: Path, stacks: Path) -> None:
    (stacks / "dev.json").write_text("")
    (stacks / "dev.json.bak").write_text("")
    repair(tmp_path)
    assert (stacks / "dev.json").read_text() == ""


def test_a_lab_without_a_state_has_nothing_to_mend(tmp_path: Path) -> None:
    repair(tmp_path)
