"""What is killed comes back with `make up`: nothing lost, no manual step."""

import os
import signal
from pathlib import Path

import pytest

from operations.delivery.environment import engine
from tests.e2e.lab_fixture import lab_fixture
from workshop.lab import control_plane, processes, stand_ins
from workshop.testing.checkout import completed, passed
from workshop.testing.lab_fleet import NAMESPACE_PATH, Fleet
from workshop.testing.waiting import until

pytestmark = pytest.mark.e2e


# Only the tests of this file use it, because they break it.
own_fleet = lab_fixture()


def test_an_engine_killed_in_mid_update_is_made_up_for_by_the_next_up(
    own_fleet: Fleet, tmp_path: Path
) -> None:
    delivery = own_fleet.start_oceanid("up", tmp_path / "killed")
    secrets = f"{NAMESPACE_PATH}/secrets"
    with own_fleet.api() as api:
        until(lambda: api.get(secrets).json().get("items"), "the update has begun", seconds=120)
    # The engine itself, of all that the command has started: its plugins have longer names.
    found = passed(completed("pgrep", "-x", "-g", str(delivery.pid), Path(engine()).name))
    os.kill(int(found.stdout), signal.SIGKILL)
    assert delivery.wait(timeout=60) != 0

    up = passed(own_fleet.oceanid("up"))
    assert "its lock is released" in up.stdout
    assert own_fleet.outputs()["exitNodes"]["tethys"]["tailnetAddress"]
    passed(own_fleet.update("--expect-no-changes"))


@pytest.mark.parametrize("name", [*control_plane.NAMES, *stand_ins.NAMES])
def test_a_lab_process_that_is_killed_comes_back_with_all_it_knew(
    own_fleet: Fleet, name: str
) -> None:
    if not (own_fleet.home.path / "state" / ".pulumi" / "stacks").exists():
        assert own_fleet.update().returncode == 0
    before = own_fleet.get(NAMESPACE_PATH)["metadata"]["uid"]
    pid = processes.find(own_fleet.home, name)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    up = passed(own_fleet.lab("up"))
    assert f"started {name}" in up.stdout
    assert own_fleet.get(NAMESPACE_PATH)["metadata"]["uid"] == before


def test_after_all_that_the_stack_is_as_it_was(own_fleet: Fleet) -> None:
    passed(own_fleet.update("--expect-no-changes"))


def test_lab_up_twice_does_nothing_the_second_time(own_fleet: Fleet) -> None:
    assert own_fleet.lab("up").stdout == "lab: runs already\n"


def test_a_pid_file_that_points_at_another_process_ends_nobody(own_fleet: Fleet) -> None:
    pid_file = own_fleet.home.processes / "kwok.pid"
    ours = pid_file.read_text()
    pid_file.write_text(f"{os.getpid()}\n")
    passed(own_fleet.lab("status"))
    assert pid_file.read_text() == ours
