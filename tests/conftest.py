"""What holds for every test."""

import os
import pkgutil
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

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

# Go's programs collect garbage less often: the API server takes a third less CPU for it, and as
# much memory again, of which there is enough here.
os.environ.setdefault("GOGC", "400")

# A real lab takes a quarter of the 128 inotify instances that Linux gives a user, and one file has
# two labs: two workers may have such labs at once.
_WORKERS_WITH_REAL_NODES = 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files on real nodes first, then the other slow ones: they take longest."""
    with_real_nodes = {item.path for item in items if _takes_real_nodes(item)}
    slow = {item.path for item in items if _is_slow(item)}
    items.sort(key=lambda item: (item.path not in with_real_nodes, item.path not in slow))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """A file's tests go to one worker, and files on real nodes to some of the workers only."""
    return _Files(config, log)


class _Files(LoadFileScheduling):  # type: ignore[misc]
    """Not xdist's own groups: of pytest 9.2 its release 3.8.0 gets no group to its scheduler."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        others_only = self.nodes.index(node) >= _WORKERS_WITH_REAL_NODES
        left_out = _files_on_real_nodes(self.config.rootpath) if others_only else frozenset()
        fitting = next((each for each in self.workqueue if each not in left_out), None)
        if fitting is None:
            node.shutdown()
            return
        self.workqueue.move_to_end(fitting, last=False)
        super()._assign_work_unit(node)


@cache
def _files_on_real_nodes(root: Path) -> frozenset[str]:
    files = (root / "tests").rglob("test_*.py")
    return frozenset(
        str(each.relative_to(root)) for each in files if "pytest.mark.network" in each.read_text()
    )


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
