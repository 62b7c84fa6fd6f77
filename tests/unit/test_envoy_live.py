"""The real Envoy, for what the gateways on real pods do not show: its ports, requests, retries.

How it fails over and ends open connections is tested in tests/network/test_exit_nodes.py and
tests/network/test_open_sessions.py.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components.egress.destination import Destination
from components.egress.envoy import ALIVE_PATH, READY_PATH, STATS_PATH, bootstrap, drain_script
from components.egress.envoy_gateway import ExitNodeProxy, Gateway
from tests.unit.envoy_process import response_of, running, validated
from tests.unit.far_side import head_of, nobody, respond, serving
from workshop.lab.ports import claim
from workshop.testing.checkout import completed
from workshop.testing.waiting import until

pytestmark = pytest.mark.slow

_CONNECT = "CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n"


@dataclass
class _Tailscaled:
    """Stands for a tailscaled's proxies: says its name on each connection, and then echoes."""

    name: str
    requests: list[tuple[str, ...]] = field(default_factory=list)
    is_healthy: bool = True
    is_thawed: threading.Event = field(default_factory=threading.Event)

    def http(self, connection: socket.socket) -> None:
        lines = head_of(connection).decode().splitlines()[:-1]
        self.requests.append(tuple(lines))
        method, target, _ = lines[0].split(" ")
        if target.startswith("refused."):
            respond(connection, "refused", "502 Bad Gateway")
        elif target.endswith("/healthz") or method == "CONNECT":
            self.is_thawed.wait()
            if method == "CONNECT":
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                self.socks5(connection)
            else:
                respond(connection, "", "200 OK" if self.is_healthy else "502 Bad Gateway")
        else:
            respond(connection, f"{self.name} {target}")

    def socks5(self, connection: socket.socket) -> None:
        connection.sendall(self.name.encode())
        while data := connection.recv(4096):
            connection.sendall(data)

    def proxy(self, tailnet_address: str, http: str, socks5: str) -> ExitNodeProxy:
        return ExitNodeProxy(
            name=self.name,
            tailnet_address=tailnet_address,
            health_port=9002,
            http_port=int(http.rpartition(":")[2]),
            socks5_port=int(socks5.rpartition(":")[2]),
        )


@dataclass(frozen=True)
class _Scene:
    """A running Envoy with its two exit nodes' tailscaleds."""

    gateway: Gateway
    preferred: _Tailscaled
    second: _Tailscaled
    log: Path

    @property
    def database(self) -> int:
        return self.gateway.destinations[0].local_port

    @contextmanager
    def connected(self, port: int, request: bytes = b"") -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            connection.sendall(request)
            yield connection

    def reached(self, port: int) -> str:
        """The name of the tailscaled that takes a new connection, "" where it is refused."""
        with self.connected(port) as connection:
            try:
                return connection.recv(100).decode()
            except ConnectionError:
                return ""

    def asked(self, request: bytes) -> tuple[str, str]:
        """The status line and the body with which the general proxy responds."""
        with self.connected(self.gateway.http_port, request) as connection:
            head, body = head_of(connection).split(b"\r\n\r\n", 1)
            body = body or connection.recv(4096)
        return head.decode().splitlines()[0], body.decode()


@contextmanager
def _scene_of(folder: Path, *, dead_socks5: bool = False) -> Iterator[_Scene]:
    preferred, second = _Tailscaled("preferred"), _Tailscaled("second")
    for each in (preferred, second):
        each.is_thawed.set()
    database, refused, http, socks5, at, admin = (claim(folder) for _ in range(6))
    with ExitStack() as servers:

        def serve(address: str, proxy: _Tailscaled, *, dead: bool = False) -> ExitNodeProxy:
            socks5 = nobody() if dead else servers.enter_context(serving(proxy.socks5))
            return proxy.proxy(address, servers.enter_context(serving(proxy.http)), socks5)

        gateway = Gateway(
            destinations=(
                Destination(name="database", host="db.example", port=5432, local_port=database),
                Destination(name="refused", host="refused.example", port=1, local_port=refused),
            ),
            exit_nodes=(
                serve("100.64.0.1", preferred, dead=dead_socks5),
                serve("100.64.0.2", second),
            ),
            http_port=http,
            socks5_port=socks5,
            status_port=at,
            admin_port=admin,
            max_connections=100,
        )
        with running(bootstrap(gateway), folder, at) as log:
            scene = _Scene(gateway, preferred, second, log)
            _until_preferred(scene)
            yield scene


def _until_preferred(scene: _Scene) -> None:
    until(lambda: scene.reached(scene.database) == "preferred", "the preferred one is used")


@pytest.fixture(scope="module")
def one_envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Scene]:
    with _scene_of(tmp_path_factory.mktemp("envoy")) as scene:
        yield scene


@pytest.fixture
def scene(one_envoy: _Scene) -> Iterator[_Scene]:
    """The preferred exit node is used at the beginning, and both answer again afterwards."""
    _until_preferred(one_envoy)
    yield one_envoy
    for each in (one_envoy.preferred, one_envoy.second):
        each.is_healthy = True
        each.is_thawed.set()


def test_the_tunnel_names_the_destination_and_nothing_of_the_client(scene: _Scene) -> None:
    assert ("CONNECT db.example:5432 HTTP/1.1", "host: db.example:5432") in scene.preferred.requests


def test_a_half_closed_connection_is_answered_through_socks5(scene: _Scene) -> None:
    with scene.connected(scene.gateway.socks5_port, b"question") as connection:
        connection.shutdown(socket.SHUT_WR)
        assert connection.makefile("rb").read() == b"preferredquestion"


def test_the_general_proxy_passes_plain_http_on_and_adds_nothing_to_it(scene: _Scene) -> None:
    request = b"GET http://plain.example/a/../b?c=%2F HTTP/1.1\r\nHost: plain.example\r\n\r\n"
    expected = "preferred http://plain.example/a/../b?c=%2F"
    assert scene.asked(request) == ("HTTP/1.1 200 OK", expected)
    passed_on = next(each for each in scene.preferred.requests if "plain.example/a" in each[0])
    assert passed_on[1:] == ("host: plain.example",)


@pytest.mark.parametrize("headers", [b"", b"Host: s3.example:443\r\n"])
def test_connect_is_taken_as_http_1_0_as_python_sends_it(scene: _Scene, headers: bytes) -> None:
    request = b"CONNECT s3.example:443 HTTP/1.0\r\n" + headers + b"\r\n"
    status_line, body = scene.asked(request)
    assert (status_line.partition(" ")[2], body) == ("200 OK", "preferred")


@pytest.mark.parametrize("way", ["destination", "HTTP CONNECT"])
def test_a_tunnel_that_was_not_yet_open_is_opened_by_the_other_exit_node(
    scene: _Scene, way: str
) -> None:
    # Nobody knows of it yet, so that the preferred one is asked, and does not answer.
    scene.preferred.is_thawed.clear()
    if way == "destination":
        assert scene.reached(scene.database) == "second"
    else:
        request = _CONNECT.format("db.example:5432").encode()
        assert scene.asked(request) == ("HTTP/1.1 200 OK", "second")


def test_nothing_passes_while_no_exit_node_is_healthy(scene: _Scene) -> None:
    at = scene.gateway.status_port
    scene.preferred.is_healthy = scene.second.is_healthy = False
    until(lambda: response_of(at, READY_PATH)[0] == 503, "the gateway is not ready")
    until(lambda: scene.reached(scene.database) == "", "new connections are refused")
    until(lambda: scene.reached(scene.gateway.socks5_port) == "", "SOCKS5 is refused")
    request = _CONNECT.format("s3.example:443").encode()
    assert scene.asked(request)[0] == "HTTP/1.1 503 Service Unavailable"
    assert response_of(at, ALIVE_PATH)[0] == 200
    scene.second.is_healthy = True
    until(lambda: response_of(at, READY_PATH)[0] == 200, "the gateway is ready with one exit node")


def test_a_destination_that_is_down_costs_the_others_nothing(scene: _Scene) -> None:
    request = _CONNECT.format("refused.example:1").encode()
    assert {scene.asked(request)[0] for _ in range(10)} == {"HTTP/1.1 502 Bad Gateway"}
    assert scene.reached(scene.gateway.destinations[1].local_port) == ""
    assert {scene.reached(scene.database) for _ in range(10)} == {"preferred"}


def test_internal_listeners_do_not_count_for_the_limit_of_connections(scene: _Scene) -> None:
    with ExitStack() as connections:
        # Of 100: Envoy counts what its ports have accepted, not what passes inside it.
        for _ in range(80):
            connection = connections.enter_context(scene.connected(scene.database))
            assert connection.recv(100) == b"preferred"


def test_the_status_port_gives_metrics_and_nothing_else_of_the_admin_api(scene: _Scene) -> None:
    port = scene.gateway.status_port
    healthy = 'envoy_cluster_membership_healthy{envoy_cluster_name="egress"} 2\n'
    until(lambda: healthy in response_of(port, STATS_PATH)[1], "both exit nodes are counted")
    for path in ("/", "/stats", "/config_dump", "/quitquitquit", "/stats/prometheus/../../help"):
        assert response_of(port, path)[0] == 404, path
        assert response_of(port, path, "POST")[0] == 404, path
    assert response_of(port, STATS_PATH, "POST")[0] == 404


def test_the_admin_port_cannot_end_or_show_envoy(scene: _Scene) -> None:
    port = scene.gateway.admin_port
    assert response_of(port, "/quitquitquit", "POST")[0] == 403
    assert response_of(port, "/config_dump")[0] == 403
    assert response_of(port, STATS_PATH)[0] == 200


def test_envoy_warns_of_nothing(scene: _Scene) -> None:
    assert scene.log.read_text() == ""


def test_a_dead_socks5_proxy_costs_no_client_and_a_drain_cuts_no_connection(
    tmp_path: Path,
) -> None:
    with _scene_of(tmp_path, dead_socks5=True) as scene:
        # Two failures eject it, and a later attempt goes to the next exit node.
        assert scene.reached(scene.gateway.socks5_port) == "second"
        with scene.connected(scene.database) as connection:
            assert connection.recv(100) == b"preferred"
            drain = completed("bash", "-c", drain_script(scene.gateway.admin_port))
            assert drain.stdout.startswith("HTTP/1.1 200 OK")
            connection.sendall(b"still here")
            assert connection.recv(100) == b"still here"


def test_envoy_refuses_a_document_with_a_field_it_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="listenerz"):
        validated({"static_resources": {"listenerz": []}}, tmp_path)
