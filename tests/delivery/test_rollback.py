"""A rollback with the real engine: what it goes on with, what it makes, and what it says."""

import subprocess

import pytest

from tests.delivery.conftest import Stage
from workshop.testing.checkout import REPOSITORY, passed, said

pytestmark = pytest.mark.e2e

# The preflight's place, with an answer that a test chooses.
_PREFLIGHT = """
import json, os

dead = {"check": "nodes", "where": "node styx", "what": "gone", "remedy": "", "verdict": "fail"}
found = [dead] if os.environ.get("DEAD_NODE") else []
seen = {"answered": True, "groups": None, "unnamed": [], "unfit": {}, "uids": {}}
seen["apiServers"] = ["203.0.113.10:6443"]
print(json.dumps({**seen, "results": found}))
"""
_LOOKS_FIRST = """
from components.cluster.preflight import require_fit

require_fit("{}", stop=True)
"""
_FOUND = "preflight nodes: node styx: gone"


@pytest.fixture(scope="module")
def released(stage: Stage) -> tuple[Stage, str]:
    """A release in prod whose preflight stops, and another one after it."""
    program = stage.checkout.path / "__main__.py"
    program.write_text(_LOOKS_FIRST + program.read_text())
    stage.checkout.write("operations/preflight/__main__.py", _PREFLIGHT)
    # In place of a minute of pip: what this project's own make rule is asked for, and when.
    makefile = stage.checkout.path / "Makefile"
    rule = f".venv/.installed:\n\t@ln -s {REPOSITORY / '.venv'} .venv && echo its own packages\n"
    makefile.write_text(rule)
    first = stage.release("The first release", first="echo one")
    _up(stage)
    stage.release("The second release", first="echo two")
    _up(stage)
    return stage, first


def _up(stage: Stage) -> None:
    passed(stage.checkout.oceanid("up", "--stack", "prod"))


def _rollback(stage: Stage, to: str, **environment: str) -> subprocess.CompletedProcess[str]:
    checkout = stage.checkout.with_environment(**environment)
    return checkout.oceanid("rollback", "--stack", "prod", "--to", to)


def test_a_rollback_goes_on_where_an_update_would_be_stopped(released: tuple[Stage, str]) -> None:
    stage, first = released
    stopped = stage.checkout.with_environment(DEAD_NODE="yes").oceanid("up", "--stack", "prod")
    assert stopped.returncode != 0
    assert f"{_FOUND}\n" in said(stopped)
    assert "nothing has been changed" in said(stopped)

    result = passed(_rollback(stage, first, DEAD_NODE="yes"))
    assert _FOUND in said(result)
    assert stage.checkout.outputs("prod") == {"first": "one"}


def test_what_both_commits_share_is_not_made_anew(released: tuple[Stage, str]) -> None:
    stage, first = released
    result = passed(_rollback(stage, first))
    assert "of its own" not in said(result)


def test_a_commit_of_other_packages_and_programs_runs_on_its_own(
    released: tuple[Stage, str],
) -> None:
    stage, first = released
    stage.checkout.write("requirements-dev.lock", "# another list\n")
    stage.checkout.write("workshop/toolchain/note.md", "Another toolchain.\n")
    stage.checkout.commit("Other packages and programs")
    result = passed(_rollback(stage, first))
    assert "needs a .venv of its own: make .venv/.installed\nits own packages" in result.stdout
    assert "needs a .toolchain of its own" in result.stdout
    assert stage.checkout.outputs("prod") == {"first": "one"}


def test_packages_that_cannot_be_had_are_said_to_be_missing(released: tuple[Stage, str]) -> None:
    stage, _ = released
    stage.checkout.write("requirements-dev.lock", "# one more\n")
    stage.checkout.write("Makefile", ".venv/.installed:\n\tfalse\n")
    without = stage.checkout.commit("Packages that are nowhere")
    stage.checkout.write("requirements-dev.lock", "# and another\n")
    result = _rollback(stage, without)
    assert result.returncode == 2
    assert "oceanid: the commit to go back to needs a .venv of its own, which could" in said(result)
    assert "Traceback" not in said(result)
    stage.checkout.git("checkout", "--quiet", "--", ".")


def test_a_work_tree_that_cannot_be_made_is_one_line(released: tuple[Stage, str]) -> None:
    stage, first = released
    in_the_way = stage.checkout.path / ".git" / "worktrees"
    # Git takes the folder away with the last work tree.
    assert not in_the_way.exists()
    in_the_way.write_text("not a folder")
    result = _rollback(stage, first)
    in_the_way.unlink()
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"oceanid: {first[:12]} cannot be checked out next to this one: git: ")
    assert stage.checkout.git("worktree", "list").count("\n") == 1
