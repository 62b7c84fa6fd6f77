"""make takes the variables of a target's recipe and no others; nothing but STACK from a shell."""

import json
import os
import re
import sys

import pytest

from workshop.testing.checkout import REPOSITORY, Completed, completed

_MAKEFILE = (REPOSITORY / "Makefile").read_text()

_TARGETS = re.findall(r"^([a-z0-9-]+):(?!=)", _MAKEFILE, re.MULTILINE)
_TAKES = {
    target: set(names.split())
    for target, names in re.findall(r"^TAKES_([a-z-]+) := (.*)", _MAKEFILE, re.MULTILINE)
}
_NAMES = sorted(set().union(*_TAKES.values()))


def _recipe(target: str) -> str:
    """The target's rule and the lines of its recipe."""
    rule = re.search(rf"^{target}:(?!=).*\n(?:\t.*\n)*", _MAKEFILE, re.MULTILINE)
    assert rule is not None, target
    return rule[0]


def _make(*arguments: str, **environment: str) -> Completed:
    """What make would run, by itself: nothing of an outer make, nothing is run."""
    own = {k: v for k, v in os.environ.items() if "MAKE" not in k and k not in _NAMES}
    command = ("make", "--no-print-directory", "--dry-run", *arguments)
    return completed(*command, environment={**own, **environment})


def _refusal(result: Completed) -> str:
    assert result.returncode == 2, result.stdout
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


@pytest.mark.parametrize("target", _TARGETS)
def test_a_target_takes_the_variables_of_its_recipe_and_no_other(target: str) -> None:
    takes = {name for name in _NAMES if f"$({name})" in _recipe(target)}
    assert takes == _TAKES.get(target, set())
    for name in (*_NAMES, "STAKC"):
        result = _make(target, f"{name}=one")
        if name in takes:
            assert result.returncode == 0, result.stderr
        else:
            assert f"{name} means nothing to `make {target}`" in _refusal(result)


@pytest.mark.parametrize(
    ("arguments", "shell", "says"),
    [
        ("up STACK=prod", {}, "STACK means nothing to `make up`"),
        ("up report STACK=prod", {}, "STACK means nothing to `make up`"),
        ("up", {"STACK": "prod"}, "`make up` acts on dev, and the shell's STACK is prod"),
        ("rollback TO=", {}, "TO is empty"),
        ("rollback STACK=", {}, "STACK is empty"),
        ("STACK=prod", {}, "STACK means nothing to `make help`"),
    ],
)
def test_a_stack_that_would_be_guessed_or_left_out_is_refused(
    arguments: str, shell: dict[str, str], says: str
) -> None:
    assert says in _refusal(_make(*arguments.split(), **shell))


def test_an_alias_passes_on_what_it_is_given() -> None:
    assert "--stack 'prod' --to 'HEAD~1'" in _make("rollback", "STACK=prod", "TO=HEAD~1").stdout
    assert "--stack 'prod'" in _make("preview", STACK="prod").stdout
    assert _make("up", STACK="dev").returncode == 0
    assert "scan --sarif 'out' a b" in _make("scan", "FILES=a b", "SARIF=out").stdout


def test_a_name_that_a_shell_exports_for_something_else_is_not_taken() -> None:
    result = _make("rollback", "STACK=prod", TO="3.2.1")
    assert result.returncode == 0
    assert "--to 'HEAD'" in result.stdout


def test_the_make_of_a_rollbacks_commit_is_not_given_the_variables_of_the_outer_one() -> None:
    """What `make rollback STACK=prod TO=x` leaves in the environment for a make within it."""
    code = (
        "import json, os\n"
        "from operations.delivery.rollback import without_make\n"
        "print(json.dumps(without_make(os.environ)))"
    )
    makefile = f"all:\n\t@{sys.executable} -c '{code.replace(chr(10), '; ')}'\n"
    result = completed(
        *("make", "--no-print-directory", "-f", "-", "STACK=prod", "TO=x", "PYTHON=python9"),
        environment={k: v for k, v in os.environ.items() if "MAKE" not in k},
        given=makefile,
    )
    environment = json.loads(result.stdout)
    assert not [name for name in environment if name.startswith(("MAKE", "MFLAGS"))]
    assert environment["PYTHON"] == "python9"
