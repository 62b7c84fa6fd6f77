"""No program of this repository takes an option it does not know, nor acts on a stack by a guess.

Programs are looked for, not listed: a new one that is lenient fails here.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workshop.testing.checkout import REPOSITORY, Completed, completed, tracked

_OUT = "--no-such-option"
# What has `__main__` and no options of its own: why.
_NO_OPTIONS = {
    "workshop/toolchain/language_host/tether.py": (
        "everything after a process id is the program it becomes"
    ),
}


def _programs() -> Iterator[str]:
    """What can be started with arguments; a folder with Pulumi.yaml is started by the engine."""
    for path in tracked("*.py"):
        if (path.parent / "Pulumi.yaml").exists():
            continue
        if path.name == "__main__.py" or "\nif __name__ ==" in path.read_text():
            yield str(path.relative_to(REPOSITORY))


def _started(program: str, *arguments: str) -> Completed:
    """The program with arguments, as a module where it lies in a package."""
    path = REPOSITORY / program
    if (path.parent / "__init__.py").exists():
        name = program.removesuffix(".py").removesuffix("/__main__").replace("/", ".")
        return completed(sys.executable, "-m", name, *arguments)
    return completed(sys.executable, str(path), *arguments)


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
    [path for path in tracked("*.py") if "argparse" in path.read_text() and path != Path(__file__)],
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_no_parser_guesses_what_an_option_begins_or_leaves_one_over(path: Path) -> None:
    assert not list(_calls(path, "parse_known_args", "parse_known_intermixed_args"))
    for call in _calls(path, "ArgumentParser", "add_parser"):
        given = {each.arg: ast.unparse(each.value) for each in call.keywords}
        assert given.get("allow_abbrev") == "False", f"line {call.lineno}: allow_abbrev=False"


@pytest.mark.parametrize("question", ["docs", "prohibited", "admission"])
def test_a_command_of_the_policies_refuses_an_option(question: str) -> None:
    result = _started("policies/__main__.py", question, _OUT)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: ")
