"""The lab's copy of its stack's file: the repository's settings, the state's salt, nothing lost."""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Lab:
    source: Path
    copy: Path

    def write(self) -> Any:
        """Write the copy again; its configuration."""
        write_copy(self.copy, self.source, _SALT)
        return self.loaded()["config"]

    def loaded(self) -> Any:
        return yaml.safe_load(self.copy.read_text())


@pytest.fixture
def lab(tmp_path: Path) -> _Lab:
    (tmp_path / "Pulumi.dev.yaml").write_text(_SETTINGS)
    (tmp_path / "project").mkdir()
    return _Lab(tmp_path / "Pulumi.dev.yaml", tmp_path / "project" / "Pulumi.dev.yaml")


def _texts(path: Path) -> Any:
    """Every value as it is written."""
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)


def test_the_copy_has_the_settings_as_they_are_written_and_the_salt(lab: _Lab) -> None:
    assert lab.write() == yaml.safe_load(_SETTINGS)["config"]
    assert _texts(lab.copy) == {**_texts(lab.source), "encryptionsalt": _SALT}
    assert made_from(lab.copy).read_text() == _SETTINGS


@pytest.mark.parametrize(
    "text",
    [
        f"{_SETTINGS}encryptionsalt: {_SALT}\nencryptionsalt: {_SALT}\n",
        f"{_SETTINGS}encryptionsalt: {_OTHER}\n",
        "config: {oceanid",
    ],
    ids=["the salt twice", "the salt of another passphrase", "torn"],
)
def test_a_copy_that_is_wrong_has_the_states_salt_once_again(lab: _Lab, text: str) -> None:
    lab.copy.write_text(text)
    lab.write()
    assert lab.copy.read_text().count("encryptionsalt") == 1
    assert lab.loaded()["encryptionsalt"] == _SALT


def test_a_salt_in_the_repositorys_file_is_left_out_and_named(
    lab: _Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.source.write_text(f"{_SETTINGS}encryptionsalt: {_OTHER}\n")
    lab.write()
    assert lab.copy.read_text().count("encryptionsalt") == 1
    assert lab.loaded()["encryptionsalt"] == _SALT
    assert "Pulumi.dev.yaml has an encryptionsalt" in capsys.readouterr().out


def test_what_is_set_in_the_lab_alone_stays_there(lab: _Lab) -> None:
    lab.write()
    document = lab.loaded()
    document["config"]["oceanid-cluster:escAccessToken"] = {"secure": "v1:abc"}
    lab.copy.write_text(yaml.safe_dump(document))
    assert lab.write()["oceanid-cluster:escAccessToken"] == {"secure": "v1:abc"}


def test_a_secret_of_another_passphrase_is_left_out_and_named(
    lab: _Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.copy.write_text(
        f"config:\n  oceanid-cluster:escAccessToken: {{secure: v1:abc}}\nencryptionsalt: {_OTHER}\n"
    )
    assert "oceanid-cluster:escAccessToken" not in lab.write()
    assert "oceanid-cluster:escAccessToken was encrypted by another passphrase" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("recorded", [True, False])
def test_a_setting_that_leaves_the_repositorys_file_leaves_the_copy(
    lab: _Lab, *, recorded: bool
) -> None:
    lab.write()
    if not recorded:
        made_from(lab.copy).unlink()  # a copy of an earlier release
    shorter = _SETTINGS.replace("  oceanid-cluster:monitoring: {enabled: always}\n", "")
    lab.source.write_text(shorter)
    assert list(lab.write()) == ["oceanid-cluster:nodes"]


def test_a_setting_of_both_is_the_repositorys_and_the_other_is_named(
    lab: _Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.write()
    # The engine writes the whole file again, with an indentation of its own.
    text = lab.copy.read_text().replace("always", "never").replace("  - {", "    - {")
    lab.copy.write_text(text)
    assert lab.write()["oceanid-cluster:monitoring"] == {"enabled": "always"}
    assert capsys.readouterr().out == (
        "oceanid: oceanid-cluster:monitoring was set in the lab's copy: "
        "write it into Pulumi.dev.yaml\n"
    )


def test_an_edit_of_the_repositorys_file_is_nothing_to_speak_of(
    lab: _Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.write()
    lab.source.write_text(_SETTINGS.replace("always", "never"))
    assert lab.write()["oceanid-cluster:monitoring"] == {"enabled": "never"}
    assert capsys.readouterr().out == ""


def test_the_salt_is_the_one_of_the_states_secrets() -> None:
    providers = {"type": "passphrase", "state": {"salt": _SALT}}
    assert salt_in({"secrets_providers": providers}) == _SALT
    assert salt_in({"secrets_providers": {"type": "service", "state": {}}}) is None
    assert salt_in({}) is None


def test_a_bare_command_never_uses_the_settings_of_before_an_edit(
    lab: _Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lab.source.parent
    require_current_copy(folder)
    monkeypatch.setenv("PULUMI_OPTION_CONFIG_FILE", str(lab.copy))
    # One that is no copy of ours is left to the engine.
    require_current_copy(folder)
    lab.write()
    require_current_copy(folder)
    lab.source.write_text(_SETTINGS.replace("always", "never"))
    with pytest.raises(ValueError, match=r"^Pulumi.dev.yaml has changed .*oceanid env"):
        require_current_copy(folder)
