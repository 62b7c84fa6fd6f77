"""The real Envoy: what becomes of connections that are open when their exit node fails."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.unit.envoy_scene import Scene
from tests.unit.tunnel_proxy import Health
from workshop.testing.waiting import until

pytestmark = pytest.mark.slow

# Two failed checks take 3.5 s at most; a busy machine is given some more.
_SECONDS = 20.0
_CONNECT = b"CONNECT db.example:5432 HTTP/1.1\r\nHost: db.example:5432\r\n\r\n"
_WAYS = ("destination", "HTTP CONNECT", "SOCKS5")


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("health", [Health.FAILS, Health.FREEZES])
def test_open_connections_end_when_their_exit_node_fails(
    scene: Scene, way: str, health: Health
) -> None:
    with _opened(scene, way, "preferred") as idle, _opened(scene, way, "preferred") as waiting:
        waiting.sendall(b"question")
        assert waiting.recv(100) == b"question"
        scene.preferred.set_health(health)
        for each in (idle, waiting):
            each.settimeout(_SECONDS)
            assert _is_ended(each)


@pytest.mark.parametrize("way", _WAYS)
def test_one_failed_check_ends_nothing(scene: Scene, way: str) -> None:
    with _opened(scene, way, "preferred") as connection:
        # Shorter than the check's time limit of a second: each check fails once, and then passes.
        scene.preferred.set_health(Health.FREEZES)
        time.sleep(0.9)
        scene.preferred.set_health(Health.ANSWERS)
        time.sleep(4)
        connection.sendall(b"still here")
        assert connection.recv(100) == b"still here"


@pytest.mark.parametrize("way", _WAYS)
def test_connections_of_the_other_exit_node_live_on(scene: Scene, way: str) -> None:
    scene.preferred.set_health(Health.FAILS)
    until(lambda: scene.reached() == "second", "new connections fail over")
    until(lambda: scene.reached(scene.gateway.socks5_port) == "second", "SOCKS5 fails over")
    with _opened(scene, way, "second") as connection:
        # The preferred one comes back, and fails again.
        scene.preferred.set_health(Health.ANSWERS)
        until(lambda: scene.reached() == "preferred", "new connections return")
        with _opened(scene, "destination", "preferred") as other:
            scene.preferred.set_health(Health.FAILS)
            other.settimeout(_SECONDS)
            assert _is_ended(other)
        connection.sendall(b"still here")
        assert connection.recv(100) == b"still here"


@pytest.mark.parametrize("way", ["destination", "HTTP CONNECT"])
def test_a_tunnel_that_was_not_yet_open_is_opened_by_the_other_exit_node(
    scene: Scene, way: str
) -> None:
    # Nobody knows of it yet, so that the preferred one is asked, and does not answer.
    scene.preferred.set_health(Health.FREEZES)
    with _opened(scene, way, "second", seconds=_SECONDS):
        pass


def test_internal_listeners_do_not_count_for_the_limit_of_connections(scene: Scene) -> None:
    with ExitStack() as connections:
        # Of 100: Envoy counts what its ports have accepted, not what passes inside it.
        for _ in range(80):
            connections.enter_context(_opened(scene, "destination", "preferred"))


@contextmanager
def _opened(scene: Scene, way: str, name: str, *, seconds: float = 10.0) -> Iterator[socket.socket]:
    """A connection by that way, on which the exit node of this name has said its name."""
    gateway = scene.gateway
    port = {
        "destination": scene.database,
        "HTTP CONNECT": gateway.http_port,
        "SOCKS5": gateway.socks5_port,
    }[way]
    with socket.create_connection(("127.0.0.1", port), seconds) as connection:
        if way == "HTTP CONNECT":
            connection.sendall(_CONNECT)
        received = b""
        while not received.endswith(name.encode()):
            piece = connection.recv(100)
            assert piece, f"ended after {received!r}"
            received += piece
        yield connection


def _is_ended(connection: socket.socket) -> bool:
    """Whether the connection ends before its time limit; raises TimeoutError where it does not."""
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True
