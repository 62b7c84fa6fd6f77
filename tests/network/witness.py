"""Whether a node and its pods reach what they need: on old connections, and on new ones."""

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address

from tests.network.listener import greeting
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.node import Node
from workshop.lab.network.plan import API_PORT, CLUSTER_DNS, ECHO, TETHYS
from workshop.lab.network.wire import Wire
from workshop.testing.nodes.fleet import Fleet
from workshop.testing.waiting import until

# Long for what answers on a busy machine; what does not answer costs it once, all at the same time.
_SECONDS = 5.0
_SSH_PORT, _DNS_PORT, _UDP_PORT = 22, 53, 9
_GREETING = b"SSH-2.0-witness\r\n"


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Asks on a node, in a pod of it, and from outside; `api` and `site` are old connections.

    `udp` is a pod's socket that always sends from the same port.
    """

    fleet: Fleet
    node: Node
    pod: Namespace
    api: http.client.HTTPConnection
    site: http.client.HTTPConnection
    udp: socket.socket

    @classmethod
    @contextmanager
    def of(cls, fleet: Fleet, name: str) -> Iterator["Witness"]:
        """With its connections open, on a node that is well and has an SSH server."""
        node = fleet.topology.nodes[name]
        pod = fleet.application(name).network
        with greeting(node.namespace, _SSH_PORT, _GREETING):
            with pod.entered():
                udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                udp.bind(("0.0.0.0", 0))
            api, site = _api(node.namespace), _site(pod)
            try:
                yield cls(fleet=fleet, node=node, pod=pod, udp=udp, api=api, site=site)
            finally:
                udp.close()
                api.close()
                site.close()

    @property
    def pod_address(self) -> IPv4Address:
        return self.fleet.application(self.node.name).address

    def everything(self) -> set[str]:
        """What answers while the node is well. Nobody outside reaches one behind a router."""
        return {*self._new(), "old api", "old pod"}

    def on_the_node(self) -> set[str]:
        """What needs no way off the node: the cluster's DNS, where its pod is there."""
        pods = self.node.plan.pods
        is_there = any(address in pods for address in self.fleet.cluster_dns())
        return {"cluster dns"} if is_there else set()

    def sees(self) -> set[str]:
        """What of it answers."""
        old: dict[str, Callable[[], object]] = {
            "old api": lambda: _ask(self.api, "/"),
            "old pod": lambda: _ask(self.site, "/ip"),
        }
        return _answering(self._new() | old)

    def sees_anew(self) -> set[str]:
        """What of it answers, and the old connections aside, which may have ended meanwhile."""
        return _answering(self._new()) | {"old api", "old pod"}

    def _new(self) -> dict[str, Callable[[], object]]:
        asked: dict[str, Callable[[], object]] = {
            "api": lambda: _api(self.node.namespace).close(),
            "pod": lambda: _site(self.pod).close(),
            "cluster dns": lambda: _connect(self.pod, CLUSTER_DNS, _DNS_PORT).close(),
        }
        return asked if self.node.router else asked | {"ssh": self._log_in}

    def _log_in(self) -> None:
        with _connect(self.fleet.topology.internet, self.node.plan.outside, _SSH_PORT) as client:
            if client.recv(len(_GREETING)) != _GREETING:
                raise OSError("no greeting")

    def sends_by_udp(self) -> None:
        """Send one packet from the pod to a site."""
        self.udp.sendto(b"?", (str(ECHO.address), _UDP_PORT))

    def address_by_udp(self) -> IPv4Address:
        """The address that a site sees the same sender with."""
        wire = Wire.tap(self.fleet.topology.internet, [])
        self.sends_by_udp()
        until(lambda: bool(wire.from_outside()), "a packet at the site")
        (address,) = wire.from_outside()
        return address


def _connect(namespace: Namespace, address: IPv4Address, port: int) -> socket.socket:
    with namespace.entered():
        return socket.create_connection((str(address), port), timeout=_SECONDS)


def _api(node: Namespace) -> http.client.HTTPConnection:
    """A connection to the API server that has had an answer."""
    # Who answers is not the question here: the handshake is.
    tls = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(str(TETHYS.address), API_PORT, timeout=_SECONDS)
    connection.sock = tls.wrap_socket(_connect(node, TETHYS.address, API_PORT))
    _ask(connection, "/")
    return connection


def _site(pod: Namespace) -> http.client.HTTPConnection:
    """A connection from a pod to a site outside that has had an answer."""
    connection = http.client.HTTPConnection(str(ECHO.address), timeout=_SECONDS)
    connection.sock = _connect(pod, ECHO.address, 80)
    _ask(connection, "/ip")
    return connection


def _ask(connection: http.client.HTTPConnection, path: str) -> None:
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from None


def _answering(asked: dict[str, Callable[[], object]]) -> set[str]:
    def answers(ask: Callable[[], object]) -> bool:
        try:
            ask()
        except OSError:
            return False
        return True

    with ThreadPoolExecutor(len(asked)) as pool:
        return {
            name
            for name, well in zip(asked, pool.map(answers, asked.values()), strict=True)
            if well
        }
