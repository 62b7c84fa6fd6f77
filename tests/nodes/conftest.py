"""A lab on real nodes for the tests of a file."""

from collections.abc import Iterator

import pytest

from tests.nodes.workloads import Workloads
from workshop.lab import running
from workshop.lab.home import Home
from workshop.lab.kube import connect
from workshop.lab.node.tether import tethered
from workshop.lab.node_kind import NodeKind


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A lab on three real nodes, ended after a file's last test."""
    home = Home(path=tmp_path_factory.mktemp("lab"))
    home.make()
    with tethered(home):
        running.up(home, NodeKind.REAL)
        yield home


@pytest.fixture(scope="module")
def workloads(lab: Home) -> Iterator[Workloads]:
    """The lab's API server, to make pods in."""
    with connect(lab.kubeconfig) as kube:
        yield Workloads(home=lab, kube=kube)
