"""The exit nodes: where they run, and the names and addresses by which they are known."""

from components.values.fields import Address, DnsLabel, refuse
from components.values.model import StrictModel, refuse_twice
from settings.rendered import (
    LONGEST_EXIT_NODE,
    LONGEST_HOSTNAME,
    MOST_EXIT_NODES,
    refuse_longer,
)
from settings.tolerations import ExitNodeTolerations


class ExitNodeSettings(StrictModel):
    """An exit node: the node it is pinned to, its name in the tailnet, its public address.

    `tolerations` are the taints of that node that it may ignore.
    """

    node: DnsLabel
    hostname: DnsLabel
    egress_address: Address
    tolerations: ExitNodeTolerations = ()


def unique_exit_nodes(exit_nodes: tuple[ExitNodeSettings, ...]) -> tuple[ExitNodeSettings, ...]:
    """Refuse a list that no gateway can use: empty, too long, or with names twice or too long."""
    if not exit_nodes:
        refuse(
            "no exit node",
            "list at least one node whose address the database admits",
            value=[],
        )
    if len(exit_nodes) > MOST_EXIT_NODES:
        refuse(
            f"more than {MOST_EXIT_NODES}, of which a gateway could not tell that one is healthy",
            "list fewer",
            value=len(exit_nodes),
        )
    for field in ("node", "hostname"):
        refuse_twice("exitNodes", field, [getattr(exit_node, field) for exit_node in exit_nodes])
    for index, exit_node in enumerate(exit_nodes):
        refuse_longer(
            LONGEST_EXIT_NODE,
            "its container in the gateways is named tailscale-NAME",
            key=f"exitNodes[{index}].node",
            value=exit_node.node,
        )
        refuse_longer(
            LONGEST_HOSTNAME,
            "its pod has a label of the name and 11 characters",
            key=f"exitNodes[{index}].hostname",
            value=exit_node.hostname,
        )
        if not exit_node.hostname[0].isalpha():
            refuse(
                "it begins with a digit, as no Service may",
                "put a letter first",
                key=f"exitNodes[{index}].hostname",
                value=exit_node.hostname,
            )
    return exit_nodes
