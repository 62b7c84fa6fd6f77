"""From every node, every destination sees the exit node's address, whatever is between."""

import hashlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address

import pytest

from tests.fleet_fixture import fleet_fixture
from tests.network.listener import greeting
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import CALYPSO, ECHO, STYX, TETHYS, TRITON
from workshop.lab.network.wire import Sent, Wire
from workshop.lab.node import fleet as lab
from workshop.lab.node.pod import NodePod
from workshop.testing.network.traffic import pattern
from workshop.testing.nodes.clients import client_on
from workshop.testing.nodes.fleet import Fleet
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_NODES = (TETHYS.name, STYX.name, CALYPSO.name)
_EXIT_ADDRESS = str(TETHYS.outside)
_PORT, _OTHER_PORT = 80, 8090
_WATCHED_SECONDS = 1.0
_MUCH = 100_000_000


running = fleet_fixture()


@pytest.mark.parametrize("node", _NODES)
def test_every_destination_sees_the_exit_nodes_address(running: Fleet, node: str) -> None:
    client = client_on(running, node)
    assert client.address_by_http_proxy() == _EXIT_ADDRESS
    assert client.address_by_socks5() == _EXIT_ADDRESS
    assert client.address_by_database() == _EXIT_ADDRESS
    assert client.s3_status() == 200


def test_on_the_wire_only_the_exit_node_sends_to_a_destination(running: Fleet) -> None:
    wire = Wire.tap(running.topology.internet, list(running.topology.nodes.values()))
    for node in _NODES:
        client_on(running, node).address_by_http_proxy()
        client_on(running, node).address_by_database()
    exit_node = running.exit_node(TETHYS.name).address
    assert set(wire.from_outside()) == {TETHYS.outside}
    assert set(wire.tried_by_pods()) == set(wire.from_pods()) == {exit_node}


@pytest.mark.parametrize("node", [STYX.name, CALYPSO.name])
def test_a_hundred_megabytes_arrive_as_they_were_sent(running: Fleet, node: str) -> None:
    data = pattern(_MUCH)
    client = client_on(running, node)
    checksum = hashlib.sha256(data).hexdigest()
    # Calypso's line takes packets of 1492 bytes, and the tunnel's are smaller by itself.
    assert client.download(_MUCH) == checksum
    assert client.upload(data) == checksum


def test_a_node_behind_two_nats_needs_no_network_between_the_nodes(running: Fleet) -> None:
    # Without the overlay, all there is between calypso and the exit node is the internet.
    running.topology.internet.ip(f"route del {CALYPSO.pods}")
    try:
        client = client_on(running, CALYPSO.name)
        # It takes tailscaled some seconds to give the path up that was there before.
        until(client.is_steady, "traffic by another path", seconds=60)
        assert client.address_by_http_proxy() == _EXIT_ADDRESS
        assert client.download(1_000_000) == hashlib.sha256(pattern(1_000_000)).hexdigest()
    finally:
        running.topology.internet.ip(f"route add {CALYPSO.pods} via {CALYPSO.outside}")


_INSIDE = (
    "10.42.0.2",  # a pod: the cluster's DNS
    "10.43.0.1",  # a service: the API server's
    "192.168.2.1",  # a private network: the one behind calypso's router
    "172.16.0.1",
    "169.254.169.254",  # link-local: where clouds keep their secrets
    "100.64.0.250",  # another device of the tailnet
    "127.0.0.1",
)


@pytest.mark.parametrize("policies", [True, False], ids=["with-policies", "without-policies"])
def test_the_exit_node_leads_to_nothing_inside(running: Fleet, *, policies: bool) -> None:
    # Without them too: tailscaled lets nobody through to private networks and its own.
    exit_node = running.exit_node(TETHYS.name)
    server = running.application(CALYPSO.name)
    client = client_on(running, STYX.name)
    inside = (str(server.address), *_INSIDE)
    running.enforce(policies=policies)
    try:
        with greeting(server.network, _PORT, b"hello"):
            # It is there for pods, and a program in the exit node's would be seen to ask for it.
            sent = Sent.tap(exit_node.network, _PORT)
            assert _connects(client.network, server.address)
            assert _connects(exit_node.network, server.address) is not policies
            assert server.address in sent.by_destination()

            sent = Sent.tap(exit_node.network, _PORT)
            refused = _refused(exit_node)
            with ThreadPoolExecutor(len(inside) + 1) as pool:
                outside = pool.submit(client.reaches, str(ECHO.address), _PORT)
                assert not any(pool.map(lambda each: client.reaches(each, _PORT), inside))
            assert outside.result()
        # The gateway passed them on, and it was the exit node that refused.
        assert _refused(exit_node) > refused
        # tailscaled asks its control server at this port too.
        asked = set(map(str, sent.by_destination()))
        assert str(ECHO.address) in asked
        assert not asked & set(inside)
    finally:
        running.enforce(policies=True)


def _connects(namespace: Namespace, address: IPv4Address) -> bool:
    with namespace.entered():
        try:
            socket.create_connection((str(address), _PORT), timeout=2).close()
        except OSError:
            return False
    return True


def _refused(exit_node: NodePod) -> int:
    """Packets that came to the exit node's tailscaled by its tunnels and were let in nowhere."""
    command = ["tailscale", "--socket=/tmp/tailscaled.sock", "metrics", "print"]
    said = exit_node.container("tailscale").execute(command)
    assert said is not None
    dropped = 'tailscaled_inbound_dropped_packets_total{reason="acl"}'
    return sum(int(each.split()[1]) for each in said.splitlines() if each.startswith(dropped))


def test_the_end_of_a_connection_that_the_nat_has_forgotten_stays_on_its_node(
    running: Fleet,
) -> None:
    internet, node = running.topology.internet, running.topology.nodes[STYX.name]
    pod = running.application(STYX.name)
    with greeting(internet, _OTHER_PORT, b"hello"):
        with pod.network.entered():
            client = socket.create_connection((str(ECHO.address), _OTHER_PORT), timeout=5)
        with client:
            assert client.recv(5) == b"hello"
            # The kernel forgets what it masqueraded by an interface that goes down.
            node.cut_off()
            node.plug_in()
            wire = Wire.tap(internet, [node])
        # The client's kernel sends the end again for as long as nobody acknowledges it.
        time.sleep(_WATCHED_SECONDS)
        assert pod.address in wire.tried_by_pods()
        assert pod.address not in wire.from_outside()


def test_a_node_that_joins_later_needs_nothing_but_its_gateway(running: Fleet) -> None:
    lab.add_node(running.home, TRITON.name)
    running.until_gateways(TRITON.name)
    client = client_on(running, TRITON.name)
    assert client.address_by_http_proxy() == _EXIT_ADDRESS
    assert client.address_by_database() == _EXIT_ADDRESS
