"""The lab under commands at once, from a shell for another project, and with a broken copy."""

import subprocess
from pathlib import Path

import pytest

from tests.e2e.lab_fixture import lab_fixture
from workshop.testing.checkout import passed
from workshop.testing.lab_fleet import WITHOUT_SECRETS, Fleet

pytestmark = pytest.mark.e2e

_SECONDS = 500
_OTHER_SALT = "v1:AAAAAAAAAAA=:v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="


own = lab_fixture(left_out=WITHOUT_SECRETS)


def test_of_two_first_updates_at_once_both_pass(own: Fleet, tmp_path: Path) -> None:
    sinks = (tmp_path / "one", tmp_path / "other")
    both = [own.start_oceanid("up", sink) for sink in sinks]
    texts = [_text(update, sink) for update, sink in zip(both, sinks, strict=True)]
    assert [update.returncode for update in both] == [0, 0], texts
    (second,) = (text for text in texts if "waiting for it" in text)
    assert second.startswith("oceanid: another command is at work here (up of dev, pid ")
    assert "unchanged" in second
    assert "created" not in second


def _text(update: subprocess.Popen[bytes], sink: Path) -> str:
    update.wait(timeout=_SECONDS)
    return sink.read_text()


def test_a_shell_for_another_project_changes_nothing(
    own: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{elsewhere}")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of another project")
    monkeypatch.setenv("PULUMI_STACK", "another")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_OPTION_TARGET", "urn:pulumi:another::another::another::another")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("TAILSCALE_TAILNET", "another")
    preview = passed(own.oceanid("preview", "--expect-no-changes"))
    assert "oceanid: not taken from this shell for dev: KUBECONFIG, " in preview.stderr
    assert own.oceanid("drift").returncode == 0
    # By the lab's cluster and tailnet, which have both.
    preflight = own.oceanid("preflight").stdout
    assert "exit node oceanid-dev-exit-tethys: online and approved" in preflight
    assert list(elsewhere.iterdir()) == []
    for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_HOME"):
        monkeypatch.delenv(name)
    passed(own.update("--expect-no-changes"))


def test_a_copy_that_another_passphrase_has_been_used_on_repairs_itself(own: Fleet) -> None:
    copy = own.home.path / "project" / "Pulumi.dev.yaml"
    salt = next(line for line in copy.read_text().splitlines() if line.startswith("encryptionsalt"))
    lines = [line for line in copy.read_text().splitlines() if not line.startswith("encryption")]
    # As earlier releases left it: the salt of another passphrase, and one that is there twice.
    copy.write_text("\n".join([*lines, f"encryptionsalt: {_OTHER_SALT}", salt, ""]))
    passed(own.update("--expect-no-changes"))
    assert copy.read_text().count("encryptionsalt") == 1
    assert salt in copy.read_text()
