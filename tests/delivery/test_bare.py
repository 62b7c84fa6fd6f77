"""The lines that set a shell up for bare `pulumi` commands."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from operations.delivery import bare, environment, lab_stack, run
from workshop.testing.checkout import completed, passed

_LAB = {
    "PULUMI_BACKEND_URL": "file:///the/lab/state of mine",
    "PULUMI_CONFIG_PASSPHRASE_FILE": "/the/lab/passphrase",
}


@pytest.fixture(autouse=True)
def _own(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own_lab: Callable[[dict[str, str]], None],
) -> None:
    """A lab of this test, in a shell with another project's passphrase, and no built engine."""
    own_lab(_LAB)
    shutil.rmtree(tmp_path / "toolchain")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of another project")
    monkeypatch.setenv("AWS_PROFILE", "for other work")

    def prepare(_environment: dict[str, str]) -> Path:
        print("oceanid: said by the way")
        return tmp_path / "lab" / "project" / "Pulumi.dev.yaml"

    monkeypatch.setattr(lab_stack, "prepare", prepare)


def _after(lines: str, *names: str) -> list[str]:
    """The values that a shell has after the lines."""
    shown = "; ".join(f'printf "%s\\n" "${{{name}-unset}}"' for name in names)
    environment = {
        "LINES_OF_OURS": lines,
        "PATH": "/usr/bin:/bin",
        "PULUMI_CONFIG_PASSPHRASE": "of another project",
        "AWS_PROFILE": "for other work",
    }
    command = ("bash", "-euc", f'eval "$LINES_OF_OURS"; {shown}')
    return passed(completed(*command, environment=environment)).stdout.splitlines()


def test_a_shell_has_the_labs_backend_stack_and_copy_and_no_other_passphrase(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = bare.shell_lines("dev")
    assert capsys.readouterr().err == "oceanid: said by the way\n"
    names = {
        "PULUMI_BACKEND_URL": _LAB["PULUMI_BACKEND_URL"],
        "PULUMI_CONFIG_PASSPHRASE": "unset",
        "PULUMI_CONFIG_PASSPHRASE_FILE": _LAB["PULUMI_CONFIG_PASSPHRASE_FILE"],
        "PULUMI_STACK": "dev",
        "PULUMI_OPTION_CONFIG_FILE": str(tmp_path / "lab" / "project" / "Pulumi.dev.yaml"),
        "PULUMI_OPTION_POLICY_PACK": str(environment.REPOSITORY / "policies"),
        "PULUMI_HOME": "unset",
        "AWS_PROFILE": "for other work",
    }
    assert _after(lines, *names) == list(names.values())


def test_the_built_engine_is_a_command_of_the_shell_with_its_own_home(tmp_path: Path) -> None:
    engine = tmp_path / "toolchain" / "bin" / "pulumi"
    engine.parent.mkdir(parents=True)
    engine.write_text('#!/bin/sh\necho "built, $PULUMI_HOME: $*"\n')
    engine.chmod(0o755)
    lines = f"{bare.shell_lines('dev')}\npulumi preview --diff"
    home = tmp_path / "toolchain" / "pulumi-home"
    assert _after(lines) == [f"built, {home}: preview --diff"]


def test_a_real_stack_comes_with_its_levels_and_without_the_labs_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "repository"
    (repository / "policies").mkdir(parents=True)
    (repository / "policies" / "config.prod.json").touch()
    for module in (bare, run):
        monkeypatch.setattr(module, "REPOSITORY", repository)
    monkeypatch.setenv("PULUMI_OPTION_CONFIG_FILE", "/the/lab/project/Pulumi.dev.yaml")
    lines = bare.shell_lines("prod")
    names = {
        "PULUMI_STACK": "prod",
        "PULUMI_OPTION_POLICY_PACK_CONFIG": str(repository / "policies" / "config.prod.json"),
        "PULUMI_CONFIG_PASSPHRASE": "of another project",
    }
    assert _after(lines, *names) == list(names.values())
    assert "unset PULUMI_OPTION_CONFIG_FILE" in lines.splitlines()
