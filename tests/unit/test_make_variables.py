"""make takes the variables of a target's recipe, from its own command line, and no others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
_MAKEFILE = (REPOSITORY / "Makefile").read_text()

_TARGETS = re.findall(r"^([a-z0-9-]+):(?!=)", _MAKEFILE, re.MULTILINE)
_TAKES = dict(re.findall(r"^TAKE_([A-Z_]+) := (.*(?:\\\n.*)*)", _MAKEFILE, re.MULTILINE))


def _recipe(target: str) -> str:
    """The target's rule and the lines of its recipe, with what they name expanded once."""
    rule = re.search(rf"^{target}:(?!=).*\n(?:\t.*\n)*", _MAKEFILE, re.MULTILINE)
    assert rule is not None, target
    scanned = re.search(r"^SCANNED = (.*)", _MAKEFILE, re.MULTILINE)
    assert scanned is not None
    return rule[0].replace("$(SCANNED)", scanned[1])


def _make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What make would run, by itself: nothing of an outer make, nothing is run."""
    own = {k: v for k, v in os.environ.items() if "MAKE" not in k and k not in _TAKES}
    return subprocess.run(
        ["make", "--no-print-directory", "--dry-run", *arguments],
        cwd=REPOSITORY,
        env={**own, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _refusal(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 2, result.stdout
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


@pytest.mark.parametrize("target", _TARGETS)
def test_a_target_refuses_a_variable_it_does_not_know(target: str) -> None:
    assert "there is no variable STAKC: the nearest is STACK" in _refusal(
        _make(target, "STAKC=prod")
    )


@pytest.mark.parametrize("target", _TARGETS)
def test_a_target_takes_the_variables_of_its_recipe_and_no_other(target: str) -> None:
    recipe = _recipe(target)
    values = {"STACK": "prod", "TO": "HEAD~1"}
    for name in _TAKES:
        result = _make(target, f"{name}={values.get(name, 'one')}")
        if f"$({name})" in recipe or (target, name) == ("login", "PULUMI_BACKEND_URL"):
            assert result.returncode == 0, result.stderr
        else:
            assert f"{name} means nothing to `make {target}`" in _refusal(result)


def test_every_variable_of_the_makefile_that_is_given_is_known() -> None:
    used = set(re.findall(r"\$\(([A-Z_]+)\)", "".join(map(_recipe, _TARGETS))))
    assert used - {"PY", "PYTHON", "MAKEFILE_LIST"} <= set(_TAKES)


@pytest.mark.parametrize("arguments", [("up", "STACK=prod"), ("up", "report", "STACK=prod")])
def test_up_does_not_act_on_dev_where_another_stack_is_named(arguments: tuple[str, ...]) -> None:
    assert "STACK means nothing to `make up`" in _refusal(_make(*arguments))


def test_up_does_not_act_on_dev_where_the_shell_names_another_stack() -> None:
    line = _refusal(_make("up", STACK="prod"))
    assert "`make up` acts on dev, and the shell's STACK is prod" in line
    assert _make("up", STACK="dev").returncode == 0


def test_the_stack_that_a_runbook_exports_holds_for_the_targets_that_take_one() -> None:
    assert "--stack prod" in _make("plan", STACK="prod").stdout


@pytest.mark.parametrize(
    ("name", "target"), [("TO", "rollback"), ("VERSION", "restore-state"), ("LOCK", "unlock")]
)
def test_a_name_that_a_shell_exports_for_something_else_is_not_taken(
    name: str, target: str
) -> None:
    result = _make(target, "STACK=prod", **{name: "3.2.1"})
    assert result.returncode == 0
    assert "3.2.1" not in result.stdout


@pytest.mark.parametrize("name", ["TO", "STACK"])
def test_a_variable_that_is_given_empty_is_no_default(name: str) -> None:
    assert f"{name} is empty" in _refusal(_make("rollback", f"{name}="))


@pytest.mark.parametrize("target", ["plan", "preview", "rollback"])
def test_make_refuses_a_stack_that_is_not_there_before_it_makes_anything(target: str) -> None:
    line = _refusal(_make(target, "STACK=prdo"))
    assert "STACK=prdo: there is no Pulumi.prdo.yaml: use one of dev prod" in line


def test_make_of_no_target_takes_no_variable_either() -> None:
    assert "STACK means nothing to `make help`" in _refusal(_make("STACK=prod"))


def test_a_put_back_commits_own_make_is_not_given_the_variables_of_the_outer_one() -> None:
    """What `make rollback STACK=prod TO=x` leaves in the environment for a make within it."""
    code = (
        "import json, os\n"
        "from delivery.rollback import without_make\n"
        "print(json.dumps(without_make(os.environ)))"
    )
    makefile = f"all:\n\t@{sys.executable} -c '{code.replace(chr(10), '; ')}'\n"
    result = subprocess.run(
        ["make", "--no-print-directory", "-f", "-", "STACK=prod", "TO=x", "PYTHON=python9"],
        cwd=REPOSITORY,
        input=makefile,
        env={k: v for k, v in os.environ.items() if "MAKE" not in k},
        capture_output=True,
        text=True,
        check=False,
    )
    environment = json.loads(result.stdout)
    assert not [name for name in environment if name.startswith(("MAKE", "MFLAGS"))]
    assert environment["PYTHON"] == "python9"
