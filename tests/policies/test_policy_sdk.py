"""The pack starts only where it can judge: it is run as the engine runs it, with another SDK."""

import os
import shutil
import sys
from importlib import metadata
from pathlib import Path

import pulumi_policy
import pytest
import yaml

from policies.analyzer_fit import KNOWN_VERSIONS
from tests.lab_variables import lab_variables
from workshop.testing.checkout import Completed, completed, passed
from workshop.testing.local_stack import LocalStack, write_program

ROOT = Path(__file__).resolve().parents[2]


def changed_sdk(folder: Path, before: str, after: str) -> Path:
    """A folder for PYTHONPATH with a copy of the SDK in which the text `before` reads `after`."""
    copy = folder / "sdk" / "pulumi_policy"
    shutil.copytree(Path(pulumi_policy.__file__).parent, copy)
    source = copy / "policy.py"
    text = source.read_text()
    assert before in text, f"the SDK no longer has {before!r}"
    source.write_text(text.replace(before, after))
    return copy.parent


def _started(pack: Path, *paths: Path) -> Completed:
    """The pack's process, which must end by itself."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = (sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(pack))
    return completed(*command, cwd=pack, environment=environment)


def _refusal(result: Completed) -> str:
    assert result.returncode != 0
    assert result.stdout == "", "a port was given, so the engine would go on"
    (line,) = result.stderr.splitlines()
    return line


_OTHER: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("other_sdks.yaml").read_text()
)


@pytest.mark.parametrize("other", _OTHER.values(), ids=_OTHER)
def test_the_pack_does_not_start_with_an_sdk_it_cannot_judge_under(
    tmp_path: Path, other: dict[str, str]
) -> None:
    sdk = changed_sdk(tmp_path, other["before"], other["after"])
    line = _refusal(_started(ROOT / "policies", sdk))
    assert line.startswith("policies: ")
    assert other["difference"] in line


def test_the_refusal_names_the_versions_that_are_known_and_the_fix(tmp_path: Path) -> None:
    sdk = changed_sdk(tmp_path, "def Configure(self, request", "def Configure(self, request, stack")
    line = _refusal(_started(ROOT / "policies", sdk))
    assert f"pulumi-policy {metadata.version('pulumi-policy')}: " in line
    assert f"Fix: install pulumi-policy=={KNOWN_VERSIONS[-1]}" in line


def test_the_installed_sdk_is_a_known_one() -> None:
    assert metadata.version("pulumi-policy") in KNOWN_VERSIONS


@pytest.mark.parametrize(
    ("text", "fault"),
    [("- {rule: host-path}", "entry 1: must have exactly the fields"), (None, "cannot be read")],
    ids=["wrong", "missing"],
)
def test_the_pack_does_not_start_without_its_exceptions(
    tmp_path: Path, text: str | None, fault: str
) -> None:
    pack = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", pack, ignore=shutil.ignore_patterns("__pycache__"))
    (pack / "exceptions.yaml").unlink()
    if text is not None:
        (pack / "exceptions.yaml").write_text(text)
    line = _refusal(_started(pack))
    assert line.startswith("policies: exceptions.yaml: ")
    assert fault in line


@pytest.mark.e2e
@pytest.mark.parametrize(
    "command", [("preview",), ("up", "--yes"), ("up", "--yes", "--skip-preview")]
)
def test_an_engine_whose_pack_does_not_start_changes_nothing(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    program = 'import pulumi_command\npulumi_command.local.Command("made", create="touch made")\n'
    project = write_program(tmp_path, program)
    stack = LocalStack(project, **lab_variables(tmp_path))
    pack = ("--policy-pack", str(ROOT / "policies"))
    sdk = changed_sdk(tmp_path, "def Configure(self, request", "def Configure(self, request, stack")
    stack.environment["PYTHONPATH"] = str(sdk)
    refused = stack.run(*command, *pack)
    assert refused.returncode != 0
    assert "The policy pack does not start with it" in refused.stdout, refused.stdout
    assert not (project / "made").exists()

    del stack.environment["PYTHONPATH"]
    passed(stack.run(*command, *pack))
