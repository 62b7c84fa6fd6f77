"""A check that could not fail an update refuses to be asked for."""

from __future__ import annotations

import pulumi
import pytest

from components.cluster.last_check import fail_at_the_end
from workshop.testing.recording import record


def test_a_check_that_finds_nothing_lets_the_program_pass() -> None:
    record(lambda: fail_at_the_end(list))


def test_what_a_check_finds_is_told_and_ends_the_program(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SystemExit) as ended:
        record(lambda: fail_at_the_end(lambda: ["secret apps/a is not synced"]))
    assert ended.value.code == 1
    assert caplog.messages == ["secret apps/a is not synced"]


def test_a_check_that_breaks_is_not_one_that_passes(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SystemExit):
        record(lambda: fail_at_the_end(lambda: [str(1 // 0)]))
    (line,) = caplog.messages
    assert line.startswith("the last check has failed: ZeroDivisionError: ")


def test_a_program_that_has_failed_is_not_checked() -> None:
    asked: list[str] = []

    def ask() -> list[str]:
        asked.append("asked")
        return asked

    def program() -> None:
        fail_at_the_end(ask)
        raise pulumi.RunError("it has failed before")

    with pytest.raises(pulumi.RunError, match="it has failed before"):
        record(program)
    assert asked == []


def test_a_check_outside_a_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "get_root_resource", lambda: None)
    with pytest.raises(pulumi.RunError, match="a last check is made by a program"):
        record(lambda: fail_at_the_end(list))
