"""From every node, every destination sees the exit node's address, whatever is between."""

import hashlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address

import pytest

from tests.network.listener import greeting
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import CALYPSO, ECHO, STYX, TETHYS, TRITON
from workshop.lab.network.pod import RunningPod
from workshop.lab.network.wire import Sent, Wire
from workshop.testing.network.fleet import Fleet, fleet
from workshop.testing.network.traffic import Client, pattern
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_NODES = (TETHYS.name, STYX.name, CALYPSO.name)
_EXIT_ADDRESS = str(TETHYS.outside)
_PORT = 80
_MUCH = 100_000_000


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet(tmp_path_factory.mktemp("fleet")) as made:
        for node in _NODES:
            made.start_gateway(node)
        made.until_ready()
        yield made


@pytest.mark.parametrize("node", _NODES)
def test_every_destination_sees_the_exit_nodes_address(running: Fleet, node: str) -> None:
    client = Client.on(running, node)
    assert client.address_by_http_proxy() == _EXIT_ADDRESS
    assert client.address_by_socks5() == _EXIT_ADDRESS
    assert client.address_by_database() == _EXIT_ADDRESS
    assert client.s3_status() == 200


def test_on_the_wire_only_the_exit_node_sends_to_a_destination(running: Fleet) -> None:
    wire = Wire.tap(running.topology.internet, list(running.topology.nodes.values()))
    for node in _NODES:
        Client.on(running, node).address_by_http_proxy()
        Client.on(running, node).address_by_database()
    exit_node = running.exit_nodes[TETHYS.name].sandbox.address
    assert set(wire.from_outside()) == {TETHYS.outside}
    assert set(wire.tried_by_pods()) == set(wire.from_pods()) == {exit_node}


@pytest.mark.parametrize("node", [STYX.name, CALYPSO.name])
def test_a_hundred_megabytes_arrive_as_they_were_sent(running: Fleet, node: str) -> None:
    data = pattern(_MUCH)
    client = Client.on(running, node)
    checksum = hashlib.sha256(data).hexdigest()
    # Calypso's line takes packets of 1492 bytes, and the tunnel's are smaller by itself.
    assert client.download(_MUCH) == checksum
    assert client.upload(data) == checksum


def test_a_node_behind_two_nats_needs_no_network_between_the_nodes(running: Fleet) -> None:
    # Without the overlay, all there is between calypso and the exit node is the internet.
    running.topology.internet.ip(f"route del {CALYPSO.pods}")
    try:
        client = Client.on(running, CALYPSO.name)
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
    exit_node = running.exit_nodes[TETHYS.name]
    server = running.application(CALYPSO.name).sandbox
    client = Client.on(running, STYX.name)
    inside = (str(server.address), *_INSIDE)
    running.cluster.enforce(policies=policies)
    try:
        with greeting(server.namespace, _PORT, b"hello"):
            # It is there for pods, and a program in the exit node's would be seen to ask for it.
            sent = Sent.tap(exit_node.sandbox.namespace, _PORT)
            assert _connects(client.pod.sandbox.namespace, server.address)
            assert _connects(exit_node.sandbox.namespace, server.address) is not policies
            assert server.address in sent.by_destination()

            sent = Sent.tap(exit_node.sandbox.namespace, _PORT)
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
        running.cluster.enforce(policies=True)


def _connects(namespace: Namespace, address: IPv4Address) -> bool:
    with namespace.entered():
        try:
            socket.create_connection((str(address), _PORT), timeout=2).close()
        except OSError:
            return False
    return True


def _refused(exit_node: RunningPod) -> int:
    """Packets that came to the exit node's tailscaled by its tunnels and were let in nowhere."""
    command = ["tailscale", "--socket=/tmp/tailscaled.sock", "metrics", "print"]
    said = exit_node.containers["tailscale"].execute(command)
    assert said is not None
    dropped = 'tailscaled_inbound_dropped_packets_total{reason="acl"}'
    return sum(int(each.split()[1]) for each in said.splitlines() if each.startswith(dropped))


def test_a_node_that_joins_later_needs_nothing_but_its_gateway(running: Fleet) -> None:
    running.topology.add_node(TRITON)
    running.nodes.append(TRITON)
    running.cluster.follow()
    running.start_gateway(TRITON.name)
    running.until_ready(TRITON.name)
    client = Client.on(running, TRITON.name)
    assert client.address_by_http_proxy() == _EXIT_ADDRESS
    assert client.address_by_database() == _EXIT_ADDRESS
