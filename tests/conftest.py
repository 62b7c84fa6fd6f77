"""What holds for every test."""

import os
import pkgutil
from pathlib import Path

import pytest
from hypothesis import settings

from workshop.lab.node.requirement import missing

# Helpers assert as tests do: a failure shows the values there too.
pytest.register_assert_rewrite(
    "workshop.testing",
    *(f"tests.{each.name}" for each in pkgutil.iter_modules([str(Path(__file__).parent)])),
)

# No deadline for an example: it would time the machine, not the code. In CI the examples are the
# same in every run, so that a red run is about the change; on a desk they are new ones each time.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("house")

# A real lab takes a quarter of the inotify instances that the kernel gives one user: two workers
# may have such labs at once, and the rest of the tests goes to the others.
_WORKERS_WITH_REAL_NODES = 2


# Before xdist's own, which reads the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each file's tests to one worker; real nodes first, because they take longest."""
    with_real_nodes = sorted({item.path for item in items if _takes_real_nodes(item)})
    slow = {item.path for item in items if _is_slow(item)}
    items.sort(key=lambda item: (item.path not in with_real_nodes, item.path not in slow))
    for item in items:
        group = str(item.path.relative_to(item.config.rootpath))
        if item.path in with_real_nodes:
            turn = with_real_nodes.index(item.path) % _WORKERS_WITH_REAL_NODES
            group = f"real nodes {turn + 1}"
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, with the reason, where the machine cannot hold real nodes; in CI that fails."""
    reason = missing() if _takes_real_nodes(item) else None
    if reason is not None and os.environ.get("CI"):
        pytest.fail(f"real nodes cannot run: {reason}")
    if reason is not None:
        pytest.skip(f"real nodes cannot run here: {reason}")


def _takes_real_nodes(item: pytest.Item) -> bool:
    return item.get_closest_marker("network") is not None


def _is_slow(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("e2e", "slow"))
