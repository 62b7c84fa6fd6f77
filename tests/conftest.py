"""What holds for every test."""

import os
import pkgutil
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files on real nodes first, then the other slow ones: they take longest."""
    with_real_nodes = {item.path for item in items if _takes_real_nodes(item)}
    slow = {item.path for item in items if _is_slow(item)}
    items.sort(key=lambda item: (item.path not in with_real_nodes, item.path not in slow))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """A file's tests go to one worker, and all files on real nodes to two."""
    return _Files(config, log)


class _Files(LoadFileScheduling):  # type: ignore[misc]
    """Files by their names, and those on real nodes as two groups.

    Not xdist's own groups: of pytest 9.2 its release 3.8.0 gets no group's name to its scheduler.
    """

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        files = _files_on_real_nodes(self.config.rootpath)
        return (
            f"real nodes {files.index(file) % _WORKERS_WITH_REAL_NODES}" if file in files else file
        )


@cache
def _files_on_real_nodes(root: Path) -> list[str]:
    files = sorted((root / "tests").rglob("test_*.py"))
    return [
        str(each.relative_to(root)) for each in files if "pytest.mark.network" in each.read_text()
    ]


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
