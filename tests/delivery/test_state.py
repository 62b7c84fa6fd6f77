"""State in a bucket, with the real engine: locks, a bucket that goes away, versions restored."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.delivery.bucket import NAME, Bucket, Valve, url
from tests.delivery.conftest import Stage
from workshop.testing.checkout import Checkout, passed, said

pytestmark = pytest.mark.e2e

_SECONDS = 120
_STATE = ".pulumi/stacks/oceanid-cluster/prod.json"
_LOCKS = ".pulumi/locks/organization/oceanid-cluster/prod"


def _eventually(what: Callable[[], bool], update: subprocess.Popen[bytes], sink: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while not what():
        assert update.poll() is None, sink.read_text()
        assert time.monotonic() < deadline, sink.read_text()
        time.sleep(0.05)


def _held(stage: Stage, tmp_path: Path, **after: str) -> tuple[subprocess.Popen[bytes], Path, Path]:
    """An update of prod that is in the middle of its second command until `go` exists."""
    go, at = tmp_path / "go", tmp_path / "at"
    wait = f"touch {at}; while [ ! -e {go} ]; do sleep 0.1; done; echo held"
    stage.release("A slow release", first="echo one", second=wait, **after)
    sink = tmp_path / "output"
    update = stage.checkout.start(sink, "up", "--stack", "prod")
    _eventually(at.exists, update, sink)
    return update, go, sink


def _engine_of(update: subprocess.Popen[bytes]) -> int:
    """The pid of the engine below a delivery command."""
    children = Path(f"/proc/{update.pid}/task/{update.pid}/children").read_text().split()
    (engine,) = (p for p in children if "pulumi" in Path(f"/proc/{p}/exe").readlink().name)
    return int(engine)


def _up(checkout: Checkout, *arguments: str) -> None:
    passed(checkout.oceanid("up", "--stack", "prod", *arguments))


def test_login_says_where_state_is_and_which_stacks_are_there(stage: Stage) -> None:
    result = passed(stage.checkout.oceanid("login"))
    assert f"the bucket {NAME} answers, keeps versions and encrypts" in result.stdout
    assert f"state is kept in s3://{NAME}; stacks there: prod" in result.stdout


def test_login_refuses_a_bucket_that_keeps_no_versions(stage: Stage) -> None:
    stage.bucket.make("forgetful", versioned=False)
    here = stage.bucket.environment["PULUMI_BACKEND_URL"].replace(NAME, "forgetful")
    result = stage.checkout.with_environment(PULUMI_BACKEND_URL=here).oceanid("login")
    assert result.returncode == 2
    assert "the bucket forgetful keeps no versions" in result.stderr


def test_of_two_updates_at_once_the_second_fails_and_harms_nothing(
    stage: Stage, tmp_path: Path
) -> None:
    first, go, sink = _held(stage, tmp_path)
    second = stage.checkout.oceanid("up", "--stack", "prod")
    assert second.returncode != 0
    assert "the stack is currently locked by 1 lock(s)" in said(second)
    alive = stage.checkout.oceanid("unlock", "--stack", "prod")
    assert alive.returncode == 2
    assert "the engine is at work on prod" in alive.stderr
    go.touch()
    assert first.wait(timeout=_SECONDS) == 0, sink.read_text()
    _up(stage.checkout, "--expect-no-changes")
    assert stage.checkout.outputs("prod") == {"first": "one", "second": "held"}


def test_the_lock_of_a_killed_run_is_released_by_hand_and_the_next_update_goes_on(
    stage: Stage, tmp_path: Path
) -> None:
    update, go, _ = _held(stage, tmp_path, third="echo three")
    os.kill(_engine_of(update), signal.SIGKILL)
    assert update.wait(timeout=_SECONDS) != 0
    go.touch()
    assert "currently locked" in said(stage.checkout.oceanid("up", "--stack", "prod"))

    released = passed(stage.checkout.oceanid("unlock", "--stack", "prod"))
    assert "is released" in released.stdout
    _up(stage.checkout)
    assert stage.checkout.outputs("prod") == {"first": "one", "second": "held", "third": "three"}


def test_the_lock_of_another_machine_is_released_by_its_name_only(stage: Stage) -> None:
    holder = {
        "pid": 1,
        "username": "runner",
        "hostname": "ci-7",
        "timestamp": "2026-11-21T06:40:36Z",
    }
    key = f"{_LOCKS}/left-behind.json"
    stage.bucket.s3.put_object(Bucket=NAME, Key=key, Body=json.dumps(holder).encode())
    refused = stage.checkout.oceanid("unlock", "--stack", "prod")
    assert refused.returncode == 2
    assert "prod is locked by runner@ci-7" in refused.stderr
    passed(stage.checkout.oceanid("unlock", "--stack", "prod", "--lock", "left-behind"))
    assert stage.bucket.keys(_LOCKS) == []


def _behind(stage: Stage, folder: Path) -> tuple[Stage, Valve]:
    """The same stage, with its bucket behind a valve that is open."""
    valve = Valve(int(stage.bucket.s3.meta.endpoint_url.rpartition(":")[2]), folder)
    valve.open()
    # The SDK's own tries come on top of the engine's and would only make the test longer.
    near = {"PULUMI_BACKEND_URL": url(valve.port), "AWS_MAX_ATTEMPTS": "1"}
    return Stage(checkout=stage.checkout.with_environment(**near), bucket=stage.bucket), valve


def test_an_update_rides_out_a_bucket_that_is_away_for_some_seconds(
    stage: Stage, tmp_path: Path
) -> None:
    near, valve = _behind(stage, tmp_path)
    update, go, sink = _held(near, tmp_path, third="echo after it")
    valve.shut()
    go.touch()
    # The engine tries eleven times to write the state, a second and more apart.
    time.sleep(3)
    valve.open()
    assert update.wait(timeout=_SECONDS) == 0, sink.read_text()
    valve.shut()
    outputs = {"first": "one", "second": "held", "third": "after it"}
    assert stage.checkout.outputs("prod") == outputs


def test_an_update_cut_off_while_its_bucket_is_away_is_made_up_for_by_the_next_one(
    stage: Stage, tmp_path: Path
) -> None:
    near, valve = _behind(stage, tmp_path)
    update, go, _ = _held(near, tmp_path, third="echo after the outage")
    valve.shut()
    go.touch()
    # Left to itself the engine gives up after two minutes, as its job's time limit may do for it.
    os.kill(_engine_of(update), signal.SIGKILL)
    assert update.wait(timeout=_SECONDS) != 0

    # What was in the state before is in it still, and the lock says who has left it.
    state = json.loads(stage.bucket.s3.get_object(Bucket=NAME, Key=_STATE)["Body"].read())
    assert "checkpoint" in state
    assert stage.bucket.keys(_LOCKS) != []
    assert stage.checkout.oceanid("unlock", "--stack", "prod").returncode == 0
    _up(stage.checkout)
    outputs = {"first": "one", "second": "held", "third": "after the outage"}
    assert stage.checkout.outputs("prod") == outputs
    _up(stage.checkout, "--expect-no-changes")


def test_a_bucket_that_is_out_of_reach_is_said_to_be(stage: Stage) -> None:
    away = stage.checkout.with_environment(PULUMI_BACKEND_URL=url(1))
    result = away.oceanid("unlock", "--stack", "prod")
    assert result.returncode == 2
    assert result.stderr.startswith(f"oceanid: the bucket {NAME} does not do it: ")
    assert "Traceback" not in result.stderr


def test_an_earlier_state_is_restored_and_the_stack_goes_on_from_it(stage: Stage) -> None:
    stage.release("What was right", first="echo right")
    _up(stage.checkout)
    right = _newest(stage.bucket)
    stage.release("What was wrong", first="echo wrong")
    _up(stage.checkout)

    listed = passed(stage.checkout.oceanid("state", "versions", "--stack", "prod"))
    assert right in listed.stdout
    restore = ("state", "restore", "--stack", "prod", "--version")
    restored = passed(stage.checkout.oceanid(*restore, right))
    assert f"prod: version {right} is in force again" in restored.stdout
    assert stage.checkout.outputs("prod") == {"first": "right"}
    assert stage.bucket.keys(_LOCKS) == []
    _up(stage.checkout)
    assert stage.checkout.outputs("prod") == {"first": "wrong"}


def test_a_state_that_was_deleted_or_torn_is_restored(stage: Stage) -> None:
    whole = _newest(stage.bucket)
    before = stage.checkout.outputs("prod")
    stage.bucket.s3.put_object(Bucket=NAME, Key=_STATE, Body=b'{"version": 3, "check')
    torn = _newest(stage.bucket)
    stage.bucket.s3.delete_object(Bucket=NAME, Key=_STATE)
    assert stage.checkout.oceanid("outputs", "--stack", "prod").returncode != 0

    refused = stage.checkout.oceanid("state", "restore", "--stack", "prod", "--version", torn)
    assert refused.returncode == 2
    assert f"version {torn} is not a whole state" in refused.stderr
    passed(stage.checkout.oceanid("state", "restore", "--stack", "prod", "--version", whole))
    assert stage.checkout.outputs("prod") == before


def test_a_state_is_not_restored_under_a_running_update(stage: Stage, tmp_path: Path) -> None:
    whole = _newest(stage.bucket)
    update, go, sink = _held(stage, tmp_path)
    refused = stage.checkout.oceanid("state", "restore", "--stack", "prod", "--version", whole)
    assert refused.returncode == 2
    assert "prod is locked by" in refused.stderr
    go.touch()
    assert update.wait(timeout=_SECONDS) == 0, sink.read_text()


def _newest(bucket: Bucket) -> str:
    found = bucket.s3.list_object_versions(Bucket=NAME, Prefix=_STATE)["Versions"]
    newest = (each for each in found if each["IsLatest"] and each["Key"] == _STATE)
    return str(next(newest)["VersionId"])
