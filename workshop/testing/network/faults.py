"""What can become of an exit node, each with the way to mend it."""

from collections.abc import Callable

from workshop.lab.network.container import Container
from workshop.testing.network.fleet import Fleet

Fault = Callable[[Fleet, str], Callable[[], None]]
"""Takes a fleet and the node of an exit node; gives what mends it."""


def killed(running: Fleet, node: str) -> Callable[[], None]:
    """Its process is killed without a word."""
    container = _container(running, node)
    container.crash()
    return container.start


def frozen(running: Fleet, node: str) -> Callable[[], None]:
    """It hangs: its connections stay, and nothing is answered."""
    container = _container(running, node)
    container.freeze()
    return container.thaw


def cut_off(running: Fleet, node: str) -> Callable[[], None]:
    """Its node's cable is pulled."""
    there = running.topology.nodes[node]
    there.cut_off()
    return there.plug_in


def restarted(running: Fleet, node: str) -> Callable[[], None]:
    """It is killed and started again at once: alive, and without any of its connections."""
    _container(running, node).restart()
    return lambda: None


FAULTS: dict[str, Fault] = {"killed": killed, "frozen": frozen, "cut off": cut_off}


def _container(running: Fleet, node: str) -> Container:
    return running.exit_nodes[node].containers["tailscale"]
