"""No program of this repository takes an option it does not know, nor acts on a stack by a guess.

Programs and make targets are looked for, not listed: a new one that is lenient fails here.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery.__main__ import _parser
from delivery.__main__ import main as delivery

REPOSITORY = Path(__file__).resolve().parents[2]
_OUT = "--no-such-option"
# What has `__main__` and no options of its own: why.
_NO_OPTIONS = {
    "toolchain/language_host/tether.py": "everything after a process id is the program it becomes",
}


def _sources() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [REPOSITORY / name for name in listed.split() if (REPOSITORY / name).exists()]


def _programs() -> Iterator[str]:
    """What can be started with arguments; a folder with Pulumi.yaml is started by the engine."""
    for path in _sources():
        if (path.parent / "Pulumi.yaml").exists():
            continue
        if path.name == "__main__.py" or "\nif __name__ ==" in path.read_text():
            yield str(path.relative_to(REPOSITORY))


def _started(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program with arguments, as a module where it lies in a package."""
    path = REPOSITORY / program
    if (path.parent / "__init__.py").exists():
        name = program.removesuffix(".py").removesuffix("/__main__").replace("/", ".")
        command = [sys.executable, "-m", name, *arguments]
    else:
        command = [sys.executable, str(path), *arguments]
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("program", sorted(set(_programs()) - set(_NO_OPTIONS)))
def test_a_program_refuses_an_option_it_does_not_know(program: str) -> None:
    result = _started(program, _OUT)
    assert result.returncode == 2, result
    assert "Traceback" not in result.stderr
    assert result.stderr.strip()


def test_what_is_excepted_is_there() -> None:
    assert set(_NO_OPTIONS) <= set(_programs())


def _calls(path: Path, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in names:
                yield node


@pytest.mark.parametrize(
    "path",
    [path for path in _sources() if "argparse" in path.read_text() and path != Path(__file__)],
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_no_parser_guesses_what_an_option_begins_or_leaves_one_over(path: Path) -> None:
    assert not list(_calls(path, "parse_known_args", "parse_known_intermixed_args"))
    for call in _calls(path, "ArgumentParser", "add_parser"):
        given = {each.arg: ast.unparse(each.value) for each in call.keywords}
        assert given.get("allow_abbrev") == "False", f"line {call.lineno}: allow_abbrev=False"


@pytest.mark.parametrize("question", ["docs", "prohibited", "coverage", "admission", "refused"])
def test_a_command_of_the_policies_refuses_an_option(question: str) -> None:
    result = _started("policies/__main__.py", question, _OUT)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: ")


# --- delivery ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("rollback", "--stak", "prod"),
        ("rollback", "--sta", "prod"),
        ("promote", "--form", "dev", "--stack", "prod"),
        ("unlock", "--lok", "one", "--stack", "prod"),
        ("preview", "--stack", "prod", "--lock", "zzz"),
        ("restore-state", "--stack", "prod", "--vers", "1"),
        ("up", "--stack", "prod", "--to", "HEAD"),
        ("up", "--stack", "prod", "--", "--stack", "dev"),
        ("login", "--stack", "prod"),
        ("comment", "--stack", "prod"),
        ("plan", "--stack", "prod", "extra"),
    ],
    ids=" ".join,
)
def test_an_option_that_means_nothing_to_a_command_ends_it(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        delivery(list(arguments))
    assert end.value.code == 2
    assert "error:" in capsys.readouterr().err


def _commands(capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit):
        delivery(["--help"])
    listed = re.search(r"\{([a-z,-]+)\}", capsys.readouterr().out)
    assert listed is not None
    return listed[1].split(",")


def test_every_command_that_is_about_a_stack_has_it_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    of_no_stack = {"login", "comment", "summary", "post-comment"}
    commands = _commands(capsys)
    assert of_no_stack < set(commands)
    for command in set(commands) - of_no_stack:
        with pytest.raises(SystemExit) as end:
            delivery([command])
        assert end.value.code == 2
        assert "the following arguments are required: --stack" in capsys.readouterr().err


def test_what_goes_on_to_the_engine_goes_on_in_its_order() -> None:
    given = ("--replace", "urn:a", "--skip-preview", "--replace=urn:b")
    options = _parser().parse_args(["up", "--stack", "prod", *given])
    assert options.passed == ["--replace=urn:a", "--skip-preview", "--replace=urn:b"]


@pytest.mark.parametrize(
    "arguments",
    [("up", "--stack", "prdo"), ("promote", "--stack", "prod", "--source", "staging")],
    ids=" ".join,
)
def test_a_stack_that_is_not_there_ends_the_command_before_it_begins(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        delivery(list(arguments))
    assert end.value.code == 2
    assert f"there is no Pulumi.{arguments[-1]}.yaml: use one of dev, prod" in (
        capsys.readouterr().err
    )


def test_an_option_that_is_given_twice_is_no_choice() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "delivery", "up", "--stack", "dev", "--stack", "prod"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "argument --stack: given twice" in result.stderr
