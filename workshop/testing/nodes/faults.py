"""What can become of an exit node, each with the way to mend it, and of a node's pods."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from settings.names import NAMESPACE
from workshop.lab.home import LabError
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import API_PORT, TETHYS
from workshop.testing.network import rendered
from workshop.testing.nodes.fleet import Fleet

Fault = Callable[[Fleet, str], Callable[[], None]]
"""Takes a fleet and the node of an exit node; gives what mends it."""


def killed(running: Fleet, node: str) -> Callable[[], None]:
    """Its process is killed without a word, and nothing starts it again."""
    name = rendered.exit_hostname(node)
    running.exit_node(node).container("tailscale").kill()
    running.scale("statefulsets", NAMESPACE, name, 0)
    # The kubelet may have been quicker.
    with suppress(LabError):
        running.end_pod(running.exit_node(node), seconds=0)
    return lambda: running.scale("statefulsets", NAMESPACE, name, 1)


def frozen(running: Fleet, node: str) -> Callable[[], None]:
    """It hangs: its connections stay, and nothing is answered."""
    container = running.exit_node(node).container("tailscale")
    container.freeze()
    return container.thaw


def cut_off(running: Fleet, node: str) -> Callable[[], None]:
    """Its node's cable is pulled."""
    there = running.topology.nodes[node]
    there.cut_off()
    return there.plug_in


def restarted(running: Fleet, node: str) -> Callable[[], None]:
    """It is killed, and its kubelet starts it again at once: without any of its connections."""
    running.exit_node(node).container("tailscale").kill()
    return lambda: None


@contextmanager
def pods_without_api_server(node: Namespace) -> Iterator[None]:
    """The pods of that node do not reach the API server; the node itself goes on as it was."""
    node.nft(
        f"""
        table ip fault {{
          chain forward {{
            type filter hook forward priority filter - 5
            ip daddr {TETHYS.address} tcp dport {API_PORT} drop
          }}
        }}
        """
    )
    try:
        yield
    finally:
        node.nft("delete table ip fault")


FAULTS: dict[str, Fault] = {"killed": killed, "frozen": frozen, "cut off": cut_off}
