"""What can become of an exit node, each with the way to mend it, and of a node's pods."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from settings.names import NAMESPACE
from workshop.lab.home import LabError
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import API_PORT, STYX, TETHYS
from workshop.testing.network import rendered
from workshop.testing.nodes.fleet import Fleet
from workshop.testing.waiting import until

NOBODY = "100.64.99.99"
"""A tailnet address that no device has."""

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


def unapproved(running: Fleet, node: str) -> Callable[[], None]:
    """Its approval is taken back."""
    running.approve(node, [])
    return lambda: running.approve(node)


def unknown(running: Fleet, node: str) -> Callable[[], None]:
    """The gateway of `styx` is rendered with an exit node whose address nobody has."""

    def restart(**unlike: str) -> None:
        running.start_gateways(**unlike)
        running.restart_gateway(STYX.name)
        until(lambda: logged_in(running, STYX.name, node), "the gateway's tailscaled runs")

    restart(**{node: NOBODY})
    return restart


def logged_in(running: Fleet, node: str, exit_node: str) -> bool:
    """Whether tailscaled for that exit node, in the gateway of `node`, is in the tailnet."""
    socket = f"--socket=/run/tailscale/{exit_node}.sock"
    try:
        container = running.gateway(node).container(f"tailscale-{exit_node}")
    except LabError:
        return False
    return container.execute(["tailscale", socket, "status", "--peers=false"]) is not None


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
