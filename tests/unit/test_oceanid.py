"""The command: what it refuses, what every part of it says of itself, and how soon it starts."""

import json
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml
from typer._click import Command  # the base of every command and group

from operations.cli.app import app, main
from operations.delivery import environment
from operations.errors import OperationError
from tests.command import why_not_a_command
from workshop.testing.checkout import completed, passed

# About no stack, or about the lab only.
_OF_NO_STACK = {"login", "scan", "reference", "ci comment", "ci summary", "ci post-comment"}
_OF_NO_STACK |= {"lab up", "lab add-node", "lab down", "lab status", "lab clean"}
_OF_NO_STACK |= {"lab replay-outage"}


def _all(command: Command | None = None, name: str = "") -> Iterator[tuple[str, Command]]:
    command = command or typer.main.get_command(app())
    yield name, command
    for below, inner in getattr(command, "commands", {}).items():
        yield from _all(inner, f"{name} {below}".strip())


_COMMANDS = {name: each for name, each in _all() if not hasattr(each, "commands")}


def _refusal(arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main(arguments.split())
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()[-1]


_WRONG = yaml.safe_load(Path(__file__).with_name("wrong_commands.yaml").read_text())


@pytest.mark.parametrize(("arguments", "says"), _WRONG.items())
def test_what_is_wrong_is_said_in_one_line_with_the_nearest_name(
    arguments: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in _refusal(arguments, capsys)


def test_every_command_that_is_about_a_stack_has_it_named() -> None:
    assert set(_COMMANDS) > _OF_NO_STACK
    for name in set(_COMMANDS) - _OF_NO_STACK:
        assert why_not_a_command(name.split()) == "Missing option '--stack'.", name


def test_every_level_of_the_help_has_an_example_that_would_run() -> None:
    for name, command in _all():
        example = (command.epilog or "").removeprefix("Example: ")
        assert f"oceanid {name}".strip() in example, name
        words = example.partition("oceanid ")[2].partition(')"')[0].partition(" >")[0].split()
        assert why_not_a_command(words) in {None, _unknown_stack(words)}, example


def _unknown_stack(words: list[str]) -> str | None:
    """What is said of an example about a stack that this repository does not have."""
    known = why_not_a_command(["destroy", "--stack", "staging"])
    return known if "staging" in words else None


def test_what_completes_a_stack_is_the_stacks_there_are() -> None:
    asked = {"COMP_WORDS": "oceanid plan --stack p", "COMP_CWORD": "3"}
    variables = {**os.environ, **asked, "_OCEANID_COMPLETE": "complete_bash"}
    offered = completed(sys.executable, "-m", "operations.cli", environment=variables)
    assert offered.stdout.split() == ["prod"]


def test_a_command_in_another_checkout_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell may have the command of one checkout on PATH and be in another one."""
    (tmp_path / "operations" / "cli").mkdir(parents=True)
    (tmp_path / "operations" / "cli" / "app.py").touch()
    monkeypatch.chdir(tmp_path / "operations")
    line = _refusal("outputs --stack prod", capsys)
    assert line.startswith(f"oceanid: this is the checkout {tmp_path}, and this command is of ")
    assert f"use {tmp_path}/.venv/bin/oceanid" in line


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--stack", "nope"]])
def test_it_starts_at_once(arguments: list[str]) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    result = completed(sys.executable, "-X", "importtime", "-m", "operations.cli", *arguments)
    # Of its own work, which a busy machine does not stretch.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 2
    # What takes long to import is not imported before it is needed.
    loaded = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert not loaded & {"httpx", "boto3", "pulumi", "settings", "kr8s", "kubernetes"}


def test_a_scan_of_all_names_files_as_github_does(tmp_path: Path) -> None:
    sarif = tmp_path / "new" / "scan.sarif"
    command = (sys.executable, "-m", "operations.cli", "scan", "--sarif", str(sarif))
    result = passed(completed(*command))
    assert "\nPulumi.prod.yaml:1:1: no Kubernetes manifest" in result.stderr
    assert json.loads(sarif.read_text())["version"] == "2.1.0"


def test_standard_input_or_a_folder_for_sarif_is_refused_in_one_line(tmp_path: Path) -> None:
    for arguments, why in (
        (["-", "--sarif", str(tmp_path / "scan.sarif")], "not standard input"),
        ([str(tmp_path), "--sarif", str(tmp_path)], "Is a directory"),
    ):
        result = completed(sys.executable, "-m", "operations.cli", "scan", *arguments)
        assert (result.returncode, result.stdout) == (2, "")
        assert why in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("wrong", [["--stak", "dev"], ["--stack", "nope"], []])
def test_a_shell_does_not_go_on_after_a_wrong_env(wrong: list[str]) -> None:
    result = completed(sys.executable, "-m", "operations.cli", "env", *wrong)
    assert (result.returncode, result.stdout) == (2, "false\n")


def test_completion_of_an_unfinished_line_says_nothing_of_its_faults() -> None:
    line = "oceanid scan --sarif a --sarif b --sa"
    shell = {"_OCEANID_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "6"}
    command = (sys.executable, "-c", "from operations.cli.app import main; main([])")
    result = completed(*command, environment={**os.environ, **shell})
    assert "Traceback" not in result.stderr


# --- which engine -----------------------------------------------------------------------------


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built engine, and a folder on PATH for an official one."""
    built = tmp_path / "toolchain" / "bin" / "pulumi"
    built.parent.mkdir(parents=True)
    built.touch()
    (tmp_path / "path").mkdir()
    monkeypatch.setattr(environment, "_TOOLCHAIN", tmp_path / "toolchain")
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    return tmp_path


def _official(engines: Path, version: str) -> Path:
    command = engines / "path" / "pulumi"
    command.write_text(f"#!/bin/sh\necho v{version}\n")
    command.chmod(0o755)
    return command


def test_a_real_stack_runs_on_the_official_engine_whatever_was_built(engines: Path) -> None:
    official = _official(engines, "3.246.0")
    assert environment.engine("prod") == str(official)
    assert environment.engine(None) == str(official)
    assert not environment.is_built("prod")
    assert "PULUMI_HOME" not in environment.engine_variables("prod")


def test_the_lab_keeps_the_engine_that_it_was_made_with(engines: Path) -> None:
    _official(engines, "3.246.0")
    assert environment.engine("dev") == str(engines / "toolchain" / "bin" / "pulumi")
    variables = environment.engine_variables("dev")
    assert environment.engine_of(variables) == environment.engine("dev")


@pytest.mark.parametrize("version", [None, "3.228.0"])
def test_without_an_engine_for_it_a_real_stack_asks_for_the_cli(
    version: str | None, engines: Path
) -> None:
    (engines / "toolchain" / "bin" / "pulumi").unlink()
    why = "there is no `pulumi` on PATH"
    if version:
        why = f"{_official(engines, version)} is not Pulumi 3.229.0 or newer"
    with pytest.raises(OperationError, match="run `oceanid lab up` first"):
        environment.engine("dev")
    with pytest.raises(OperationError) as refused:
        environment.engine("prod")
    assert str(refused.value).startswith(f"{why}: install the Pulumi CLI (https://")
    assert str(refused.value).endswith("the engine that is built here is for the lab")
