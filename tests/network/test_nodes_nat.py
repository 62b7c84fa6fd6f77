"""The nodes' NAT, as kube-proxy keeps it: nothing leaves a node with a pod's own address."""

import socket
import time

import pytest

from tests.network.listener import greeting
from workshop.lab.network.plan import ECHO, TETHYS
from workshop.lab.network.topology import laid
from workshop.lab.network.wire import Wire

pytestmark = pytest.mark.network

_PORT = 8080
_GREETING = b"hello\r\n"
# The client's kernel sends the end of the connection again for as long as nobody acknowledges it.
_WATCHED_SECONDS = 1.0


def test_the_end_of_a_connection_that_the_nat_has_forgotten_stays_on_the_node() -> None:
    with laid((TETHYS,)) as topology, greeting(topology.internet, _PORT, _GREETING):
        node = topology.nodes[TETHYS.name]
        pod = node.add_pod("client")
        with pod.namespace.entered():
            client = socket.create_connection((str(ECHO.address), _PORT), timeout=5)
        with client:
            assert client.recv(len(_GREETING)) == _GREETING
            # The kernel forgets what it masqueraded by an interface that goes down.
            node.cut_off()
            node.plug_in()
            wire = Wire.tap(topology.internet, [node])
        time.sleep(_WATCHED_SECONDS)
        assert pod.address in wire.tried_by_pods()
        assert pod.address not in wire.from_outside()
        pod.end()
