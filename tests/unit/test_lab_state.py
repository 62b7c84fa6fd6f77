"""A state file that a kill has torn is put right from the backend's own backup."""

from pathlib import Path

import pytest

from operations.delivery.lab_stack import repair

_WHOLE = {
    "dev.json": '{"checkpoint": "new"}',
    "dev.json.attrs": '{"md5": "of the new one"}',
    "dev.json.bak": '{"checkpoint": "before"}',
}
_BEFORE = {"dev.json": _WHOLE["dev.json.bak"]}


@pytest.mark.parametrize(
    ("torn", "left"),
    [
        ({}, _WHOLE),
        ({"dev.json": ""}, _BEFORE),
        ({"dev.json": '{"checkpoint": "ne'}, _BEFORE),
        ({"dev.json.attrs": ""}, {"dev.json": _WHOLE["dev.json"]}),
        # Without a whole backup nothing is touched.
        ({"dev.json": "", "dev.json.bak": ""}, {"dev.json": ""}),
    ],
    ids=[
        "whole",
        "an empty checkpoint",
        "half a checkpoint",
        "attributes",
        "checkpoint and backup",
    ],
)
def test_what_a_kill_has_torn_gives_way_to_the_backup(
    tmp_path: Path, torn: dict[str, str], left: dict[str, str]
) -> None:
    folder = tmp_path / ".pulumi" / "stacks" / "oceanid-cluster"
    folder.mkdir(parents=True)
    for name, text in (_WHOLE | torn).items():
        (folder / name).write_text(text)
    repair(tmp_path)
    assert (folder / "dev.json").read_text() == left["dev.json"]
    if torn != {"dev.json": "", "dev.json.bak": ""}:
        assert (folder / "dev.json.attrs").exists() == ("dev.json.attrs" in left)


def test_a_lab_without_a_state_has_nothing_to_mend(tmp_path: Path) -> None:
    repair(tmp_path)
