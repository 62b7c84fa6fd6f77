"""Where real nodes cannot run, the tests say why; in CI that is a failure."""

import os

import pytest

from workshop.lab.node.requirement import missing


@pytest.fixture(scope="session", autouse=True)
def nodes_can_run() -> None:
    """Skip, with the reason, where the machine lacks what real nodes take."""
    reason = missing()
    if reason is None:
        return
    if os.environ.get("CI"):
        pytest.fail(f"real nodes cannot run: {reason}")
    pytest.skip(f"real nodes cannot run here: {reason}")
