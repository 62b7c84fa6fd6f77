"""What a scan does not see is a problem of its own: exit code 2, and the rest scanned."""

import io
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from policies import manifests
from policies.scan import main

BAD = "kind: Pod\nspec: {hostPID: true}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "zz.yaml").write_text(BAD)
    return tmp_path


def complaint_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one problem of a scan, which has seen the rest all the same."""
    assert main([str(folder)]) == 2
    said = capsys.readouterr()
    assert f"{folder / 'zz.yaml'}:2:8: " in said.out
    complaint, summary = said.err.splitlines()
    assert "1 violations" in summary
    return complaint


def test_standard_input_that_is_too_large_is_not_judged_by_its_beginning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(manifests, "LARGEST", len(BAD))
    for given, code in ((BAD, 1), ("#" * len(BAD) + f"\n{BAD}", 2)):
        stream = io.BytesIO(given.encode())
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stream))
        assert main(["-"]) == code
    assert "<stdin>:1:1: larger than " in capsys.readouterr().err


def test_a_folder_that_cannot_be_read_is_a_problem(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "closed").mkdir()
    listed = os.scandir

    def refused(path: str) -> object:  # root may read what nobody else may
        if path == str(folder / "closed"):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", refused)
    complaint = complaint_of(folder, capsys)
    assert complaint.startswith(f"{folder / 'closed'}:1:1: Permission denied; make it readable")


def test_a_link_that_leads_nowhere_is_a_problem(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "gone.yaml").symlink_to("nothing.yaml")
    complaint = complaint_of(folder, capsys)
    assert complaint.startswith(f"{folder / 'gone.yaml'}:1:1: a link that leads to no file")


def test_a_manifest_that_is_no_file_is_a_problem_and_is_not_waited_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(folder / "pipe.yaml")
    complaint = complaint_of(folder, capsys)
    assert complaint.startswith(f"{folder / 'pipe.yaml'}:1:1: neither a file nor a folder")


def test_a_link_to_a_hidden_folder_is_a_problem_and_one_to_a_scanned_folder_is_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (".hidden", "plain"):
        (folder / name).mkdir()
        (folder / f"to-{name.strip('.')}").symlink_to(name)
    complaint = complaint_of(folder, capsys)
    assert complaint.startswith(f"{folder / 'to-hidden'}:1:1: a link to a hidden folder")


def test_a_path_that_may_not_be_looked_at_is_a_problem(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "a" * 300  # longer than any file system takes, which refuses to look
    assert main([name, str(folder)]) == 2
    said = capsys.readouterr()
    assert f"{name}:1:1: File name too long; make it readable" in said.err
    assert "host-namespaces" in said.out
