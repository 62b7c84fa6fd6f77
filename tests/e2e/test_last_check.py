"""A check that fails an update comes after the engine has removed what left the program."""

import pytest

from tests.provider.conftest import stack, stand_in
from workshop.testing.provider_engine import Stack
from workshop.testing.provider_stand_in import StandIn

__all__ = ["stack", "stand_in"]

pytestmark = pytest.mark.e2e

_EXIT = {"rule": "192.0.2.7", "description": "exit node"}
_OFFICE = {"rule": "198.51.100.0/24"}
_CHECK = """
from components.cluster.last_check import fail_at_the_end
fail_at_the_end(lambda: pathlib.Path("unread").read_text().splitlines())
"""


@pytest.fixture
def checked(stack: Stack) -> Stack:
    """A stack of two rules, whose last check lists what is in its file `unread`."""
    program = stack.folder / "__main__.py"
    program.write_text(program.read_text() + _CHECK)
    (stack.folder / "unread").touch()
    stack.set({"exit": _EXIT, "office": _OFFICE})
    stack.up()
    return stack


def test_what_leaves_the_program_goes_though_the_check_fails(
    checked: Stack, stand_in: StandIn
) -> None:
    (checked.folder / "unread").write_text("secret apps/a is not synced\nsecret apps/b neither\n")
    checked.set({"exit": _EXIT})
    told = checked.run("up", "--yes", fails=True)
    assert "error: secret apps/a is not synced" in told
    assert "error: secret apps/b neither" in told
    assert "1 deleted" in told
    assert "Traceback" not in told
    assert [each["rule"] for each in stand_in.rules()] == ["192.0.2.7/32"]
    assert [each["inputs"]["rule"] for each in checked.state()] == ["192.0.2.7/32"]


def test_a_check_that_cannot_be_made_fails_the_update(checked: Stack) -> None:
    (checked.folder / "unread").unlink()
    told = checked.up(fails=True)
    assert "error: the last check has failed: FileNotFoundError: " in told


def test_a_check_that_lists_nothing_lets_the_update_pass(checked: Stack) -> None:
    assert "error" not in checked.up()


def test_a_preview_and_a_destroy_have_no_check(checked: Stack, stand_in: StandIn) -> None:
    (checked.folder / "unread").write_text("secret apps/a is not synced\n")
    assert "not synced" not in checked.run("preview")
    assert "not synced" not in checked.run("destroy", "--yes", "--skip-preview")
    assert stand_in.rules() == []


def test_an_update_that_has_failed_by_then_tells_of_its_failure_alone(
    checked: Stack, stand_in: StandIn
) -> None:
    (checked.folder / "unread").write_text("secret apps/a is not synced\n")
    checked.set({"exit": {"rule": "no range"}})
    told = checked.up(fails=True)
    assert "'no range' is not an IPv4 or IPv6 address" in told
    assert "not synced" not in told
    assert len(stand_in.rules()) == 2
