"""Where the network lab cannot run, its tests say why; in CI that is a failure."""

import os

import pytest

from workshop.lab.network.requirement import missing


@pytest.fixture(scope="session", autouse=True)
def lab_can_run() -> None:
    """Skip, with the reason, where the machine lacks what the lab takes."""
    reason = missing()
    if reason is None:
        return
    if os.environ.get("CI"):
        pytest.fail(f"the network lab cannot run: {reason}")
    pytest.skip(f"the network lab cannot run here: {reason}")
