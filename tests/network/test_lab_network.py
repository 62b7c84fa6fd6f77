"""Nothing of the lab's network leads out of it."""

import socket

import pytest

from workshop.lab.network.plan import TETHYS
from workshop.lab.network.topology import laid

pytestmark = pytest.mark.network


def test_nothing_in_it_leads_outside() -> None:
    with laid((TETHYS,)) as topology:
        for namespace in (topology.internet, topology.nodes[TETHYS.name].namespace):
            with namespace.entered(), socket.socket() as probe:
                probe.settimeout(2)
                # An address that the lab does not have; of this machine's network it knows none.
                with pytest.raises(OSError, match=r"unreachable|timed out"):
                    probe.connect(("192.0.2.200", 80))
        assert "default" not in topology.internet.run(["ip", "route"])
