"""`python -m workshop.lab.network.holder STATE`: the lab's network, for as long as this runs.

STATE is a JSON file that says which file stands for the namespace of each node, of each router and
of the `internet`; it is there when all of them are joined. When one of them ends, this ends too:
the lab's next start makes them anew. With `--joins NODE --internet FILE`, only that node's, which
is joined to the internet that FILE stands for.
"""

import argparse
import json
import select
import sys
from pathlib import Path

from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import JOINING
from workshop.lab.network.topology import Topology, laid
from workshop.lab.private_file import write_private


def main(arguments: list[str] | None = None) -> int:
    """Hold until ended."""
    parser = argparse.ArgumentParser(
        prog="python -m workshop.lab.network.holder", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("state", type=Path)
    parser.add_argument("--joins", choices=JOINING)
    parser.add_argument("--internet")
    options = parser.parse_args(arguments)
    if options.joins is None:
        with laid() as topology:
            _hold(topology, options.state)
    else:
        internet = Namespace(name="internet", path=options.internet)
        topology = Topology(internet=internet)
        topology.add_node(JOINING[options.joins])
        _hold(topology, options.state)
    return 1


def _hold(topology: Topology, state: Path) -> None:
    _route_nodes(topology)
    paths = {"internet": topology.internet.path}
    paths |= {name: node.namespace.path for name, node in topology.nodes.items()}
    routers = (node.router for node in topology.nodes.values() if node.router is not None)
    paths |= {router.name: router.path for router in routers}
    write_private(state, json.dumps(paths))
    _wait(topology)


def _route_nodes(topology: Topology) -> None:
    """Let a node behind a router be reached by its own address, as by the tunnel that k3s has."""
    for node in topology.nodes.values():
        if node.router is not None:
            topology.internet.ip(f"route add {node.plan.home} via {node.plan.outside}")


def _wait(topology: Topology) -> None:
    spaces = [topology.internet]
    for node in topology.nodes.values():
        spaces += [node.namespace, *filter(None, [node.router])]
    watch = select.poll()
    for space in spaces:
        if space.holder is not None and space.holder.stdin is not None:
            # A pipe whose other end is closed.
            watch.register(space.holder.stdin, select.POLLERR)
    watch.poll()


if __name__ == "__main__":
    sys.exit(main())
