"""What tests of the program share: the lab's stack as it is registered, and its warnings."""

import pulumi
import pytest

from workshop.testing.recording import Recording, record_stack


@pytest.fixture(scope="session")
def recording() -> Recording:
    """`dev`, as its file has it."""
    return record_stack("dev")


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda line, *_, **__: lines.append(line))
    return lines
