"""The stack's objects as the program renders them for the network lab."""

from collections.abc import Mapping, Sequence
from typing import Any

from workshop.lab.network.plan import API_PORT, PODS, SERVICES, TAILNET_SERVICES, TETHYS, NodePlan
from workshop.testing.recording import World, configured, plain, record_stack


def exit_hostname(node: str) -> str:
    """The name that the exit node on this node has in the tailnet."""
    return f"oceanid-lab-exit-{node}"


def stack(
    nodes: Sequence[NodePlan],
    exit_nodes: Sequence[NodePlan],
    *,
    addresses: Mapping[str, str],
    keys: Mapping[str, str],
    **changes: Any,
) -> list[dict[str, Any]]:
    """All objects of the stack `dev` with these nodes; only addresses differ from the real one's.

    `exit_nodes` are in order of preference; `addresses` are their tailnet addresses by host name,
    `keys` the tailnet's credentials by resource name; `changes` replace keys of the configuration.
    """
    ours = {
        "cluster": configured("cluster")
        | {
            "podCidr": str(PODS),
            "serviceCidr": str(SERVICES),
            "apiServer": f"{TETHYS.address}:{API_PORT}",
        },
        "tailnet": configured("tailnet") | {"serviceRanges": [str(TAILNET_SERVICES)]},
        # Here every node is an exit node at times.
        "firewall": configured("firewall") | {"retire": []},
        "nodes": [{"name": node.name, "address": str(node.address)} for node in nodes],
        "exitNodes": [
            {
                "node": node.name,
                "hostname": exit_hostname(node.name),
                "egressAddress": str(node.outside),
            }
            for node in exit_nodes
        ],
        # Its operator is not what is tested here, and takes long to render.
        "externalSecrets": None,
    }
    recording = record_stack("dev", World(addresses=addresses, keys=keys), **ours | changes)
    return [plain(each) for each in recording.objects]
