"""A lab on real nodes for all tests of a run; where it cannot run, the tests say why."""

import os
from collections.abc import Iterator

import pytest

from tests.nodes.workloads import Workloads
from workshop.lab import running
from workshop.lab.home import Home
from workshop.lab.kube import connect
from workshop.lab.node.requirement import missing
from workshop.lab.node_kind import NodeKind


@pytest.fixture(scope="session", autouse=True)
def nodes_can_run() -> None:
    """Skip, with the reason, where the machine lacks what real nodes take; in CI that fails."""
    reason = missing()
    if reason is None:
        return
    if os.environ.get("CI"):
        pytest.fail(f"real nodes cannot run: {reason}")
    pytest.skip(f"real nodes cannot run here: {reason}")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A lab on three real nodes, ended after the last test."""
    home = Home(path=tmp_path_factory.mktemp("lab"))
    home.make()
    try:
        running.up(home, NodeKind.REAL)
        yield home
    finally:
        running.down(home)


@pytest.fixture(scope="module")
def workloads(lab: Home) -> Iterator[Workloads]:
    """The lab's API server, to make pods in."""
    with connect(lab.kubeconfig) as api:
        yield Workloads(home=lab, api=api)
