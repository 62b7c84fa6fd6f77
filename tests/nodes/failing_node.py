"""What tests of a failing node share: its kubelet, its conditions, and who is not disturbed."""

from collections.abc import Iterator
from contextlib import contextmanager

from workshop.lab.network.plan import TETHYS
from workshop.lab.outage.console import NodeConsole
from workshop.testing.network.load import under_load
from workshop.testing.nodes.clients import client_on
from workshop.testing.nodes.fleet import Fleet
from workshop.testing.waiting import until

EXIT_ADDRESS = str(TETHYS.outside)


@contextmanager
def undisturbed(running: Fleet, node: str) -> Iterator[None]:
    """An application on the node reaches the database by the exit node, all the time."""
    with under_load(client_on(running, node).address_by_database) as load:
        yield
    assert load.attempts
    assert {each.address for each in load.attempts} == {EXIT_ADDRESS}


def kubelet(running: Fleet, node: str) -> int:
    """The pid of the node's kubelet, once it runs."""
    return NodeConsole(home=running.home, name=node).kubelet()


def until_ready(running: Fleet, node: str, *, ready: bool) -> None:
    """Wait until the node is, or is not: 50 s after its kubelet was last heard of.

    That is kube-controller-manager's own default.
    """
    until(lambda: has(running, node, "Ready") is ready, f"{node} Ready: {ready}", seconds=120)


def has(running: Fleet, node: str, condition: str) -> bool:
    """Whether a condition of the node is true."""
    found = running.kube.get(f"/api/v1/nodes/{node}").raise_for_status().json()
    conditions = found["status"]["conditions"]
    return any(each["type"] == condition and each["status"] == "True" for each in conditions)
