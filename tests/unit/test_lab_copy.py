"""The lab's copy of its stack's file: the repository's settings, the state's salt, nothing lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.delivery.lab_stack import made_from, salt_in, write_copy
from settings.lab_copy import require_current_copy

_SALT = "v1:of-the-state:v1:xx:yy"
_OTHER = "v1:of-another-project:v1:xx:yy"
_SETTINGS = """# The lab.
config:
  oceanid-cluster:nodes:
    - {name: tethys, consoleConfirmed: 2026-11-26, window: 10:30, mode: on}
  oceanid-cluster:monitoring: {enabled: always}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(_SETTINGS)
    return path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project" / "Pulumi.dev.yaml"


def _loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def _texts(path: Path) -> Any:
    """Every value as it is written."""
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)


def test_the_copy_has_the_settings_as_they_are_written_and_the_salt(
    source: Path, copy: Path
) -> None:
    write_copy(copy, source, _SALT)
    assert _texts(copy) == {**_texts(source), "encryptionsalt": _SALT}
    assert _loaded(copy)["config"] == _loaded(source)["config"]
    assert made_from(copy).read_text() == source.read_text()


def test_a_salt_that_is_there_twice_is_there_once_again(source: Path, copy: Path) -> None:
    copy.write_text(f"{_SETTINGS}encryptionsalt: {_SALT}\nencryptionsalt: {_SALT}\n")
    write_copy(copy, source, _SALT)
    assert copy.read_text().count("encryptionsalt") == 1


def test_a_salt_in_the_repositorys_file_is_left_out_and_named(
    source: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source.write_text(f"{_SETTINGS}encryptionsalt: {_OTHER}\n")
    write_copy(copy, source, _SALT)
    assert copy.read_text().count("encryptionsalt") == 1
    assert _loaded(copy)["encryptionsalt"] == _SALT
    assert "Pulumi.dev.yaml has an encryptionsalt" in capsys.readouterr().out


def test_a_copy_with_the_salt_of_another_passphrase_gets_the_states(
    source: Path, copy: Path
) -> None:
    copy.write_text(f"{_SETTINGS}encryptionsalt: {_OTHER}\n")
    write_copy(copy, source, _SALT)
    assert _loaded(copy)["encryptionsalt"] == _SALT


def test_what_is_set_in_the_lab_alone_stays_there(source: Path, copy: Path) -> None:
    write_copy(copy, source, _SALT)
    document = _loaded(copy)
    document["config"]["oceanid-cluster:escAccessToken"] = {"secure": "v1:abc"}
    copy.write_text(yaml.safe_dump(document))
    write_copy(copy, source, _SALT)
    assert _loaded(copy)["config"]["oceanid-cluster:escAccessToken"] == {"secure": "v1:abc"}


def test_a_secret_of_another_passphrase_is_left_out_and_named(
    source: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy.write_text(
        f"config:\n  oceanid-cluster:escAccessToken: {{secure: v1:abc}}\nencryptionsalt: {_OTHER}\n"
    )
    write_copy(copy, source, _SALT)
    assert "oceanid-cluster:escAccessToken" not in _loaded(copy)["config"]
    assert "oceanid-cluster:escAccessToken was encrypted by another passphrase" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("recorded", [True, False])
def test_a_setting_that_leaves_the_repositorys_file_leaves_the_copy(
    source: Path, copy: Path, *, recorded: bool
) -> None:
    write_copy(copy, source, _SALT)
    if not recorded:
        made_from(copy).unlink()  # a copy of an earlier release
    source.write_text(_SETTINGS.replace("  oceanid-cluster:monitoring: {enabled: always}\n", ""))
    write_copy(copy, source, _SALT)
    assert list(_loaded(copy)["config"]) == ["oceanid-cluster:nodes"]


def test_a_setting_of_both_is_the_repositorys_and_the_other_is_named(
    source: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_copy(copy, source, _SALT)
    # The engine writes the whole file again, with an indentation of its own.
    text = copy.read_text().replace("always", "never").replace("  - {", "    - {")
    copy.write_text(text)
    write_copy(copy, source, _SALT)
    assert _loaded(copy)["config"]["oceanid-cluster:monitoring"] == {"enabled": "always"}
    assert capsys.readouterr().out == (
        "oceanid: oceanid-cluster:monitoring was set in the lab's copy: "
        "write it into Pulumi.dev.yaml\n"
    )


def test_an_edit_of_the_repositorys_file_is_nothing_to_speak_of(
    source: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_copy(copy, source, _SALT)
    source.write_text(_SETTINGS.replace("always", "never"))
    write_copy(copy, source, _SALT)
    assert _loaded(copy)["config"]["oceanid-cluster:monitoring"] == {"enabled": "never"}
    assert capsys.readouterr().out == ""


def test_a_torn_copy_is_made_anew(source: Path, copy: Path) -> None:
    copy.write_text("config: {oceanid")
    write_copy(copy, source, _SALT)
    assert _loaded(copy)["encryptionsalt"] == _SALT


def test_the_salt_is_the_one_of_the_states_secrets() -> None:
    providers = {"type": "passphrase", "state": {"salt": _SALT}}
    assert salt_in({"secrets_providers": providers}) == _SALT
    assert salt_in({"secrets_providers": {"type": "service", "state": {}}}) is None
    assert salt_in({}) is None


def test_a_bare_command_never_uses_the_settings_of_before_an_edit(
    source: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_OPTION_CONFIG_FILE", str(copy))
    write_copy(copy, source, _SALT)
    require_current_copy(source.parent)
    source.write_text(_SETTINGS.replace("always", "never"))
    with pytest.raises(ValueError, match=r"^Pulumi.dev.yaml has changed .*oceanid env"):
        require_current_copy(source.parent)


def test_a_configuration_file_that_is_no_copy_of_ours_is_left_to_the_engine(
    source: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_OPTION_CONFIG_FILE", str(copy))
    require_current_copy(source.parent)
    monkeypatch.delenv("PULUMI_OPTION_CONFIG_FILE")
    require_current_copy(source.parent)
