"""The real Envoy with generated configurations, and stand-ins of tailscaled behind it."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from components.egress.envoy import ALIVE_PATH, STATS_PATH, bootstrap, drain_script
from tests.unit.envoy_process import answer, running, status, validated
from tests.unit.envoy_scene import Scene, gateway_of
from tests.unit.tunnel_proxy import HEALTH_PORT, Health
from workshop.testing.checkout import completed
from workshop.testing.waiting import until

pytestmark = pytest.mark.slow


def test_connections_go_through_the_preferred_exit_node(scene: Scene) -> None:
    assert {scene.reached() for _ in range(20)} == {"preferred"}
    assert scene.reached(scene.gateway.socks5_port) == "preferred"


def test_the_tunnel_names_the_destination_and_nothing_of_the_client(scene: Scene) -> None:
    scene.reached()
    assert ("CONNECT db.example:5432 HTTP/1.1", "host: db.example:5432") in scene.preferred.requests


def test_each_exit_node_is_asked_for_its_health_at_its_own_address(scene: Scene) -> None:
    for each in (scene.preferred, scene.second):
        url = f"http://{each.tailnet_address}:{HEALTH_PORT}/healthz"
        assert any(request[0] == f"GET {url} HTTP/1.1" for request in each.requests)


def test_bytes_pass_both_ways(scene: Scene) -> None:
    sent = b"question" * 10_000
    with socket.create_connection(("127.0.0.1", scene.database), 10) as connection:
        assert connection.recv(100) == b"preferred"
        connection.sendall(sent)
        received = b""
        while len(received) < len(sent):
            received += connection.recv(65536)
    assert received == sent


def test_a_half_closed_connection_is_answered_through_socks5(scene: Scene) -> None:
    with socket.create_connection(("127.0.0.1", scene.gateway.socks5_port), 10) as connection:
        connection.sendall(b"question")
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while data := connection.recv(100):
            received += data
    assert received == b"preferredquestion"


def test_the_general_proxy_tunnels_any_host(scene: Scene) -> None:
    request = b"CONNECT s3.example:443 HTTP/1.1\r\nHost: s3.example:443\r\n\r\n"
    assert scene.asked(request) == ("HTTP/1.1 200 OK", "preferred")


def test_the_general_proxy_passes_plain_http_on_and_adds_nothing_to_it(scene: Scene) -> None:
    request = b"GET http://plain.example/a/../b?c=%2F HTTP/1.1\r\nHost: plain.example\r\n\r\n"
    expected = "preferred http://plain.example/a/../b?c=%2F"
    assert scene.asked(request) == ("HTTP/1.1 200 OK", expected)
    passed_on = next(each for each in scene.preferred.requests if "plain.example/a" in each[0])
    assert passed_on[1:] == ("host: plain.example",)


@pytest.mark.parametrize("headers", [b"", b"Host: s3.example:443\r\n"])
def test_connect_is_taken_as_http_1_0_as_python_sends_it(scene: Scene, headers: bytes) -> None:
    request = b"CONNECT s3.example:443 HTTP/1.0\r\n" + headers + b"\r\n"
    status_line, body = scene.asked(request)
    assert (status_line.partition(" ")[2], body) == ("200 OK", "preferred")


@pytest.mark.parametrize("health", [Health.FAILS, Health.FREEZES])
def test_an_exit_node_that_is_gone_is_left_and_comes_back(scene: Scene, health: Health) -> None:
    scene.preferred.set_health(health)
    until(lambda: scene.reached() == "second", "new connections fail over")
    assert scene.reached(scene.gateway.socks5_port) in {"second", "preferred"}
    assert scene.ready() == 200
    scene.preferred.set_health(Health.ANSWERS)
    until(lambda: scene.reached() == "preferred", "new connections return")


def test_nothing_passes_while_no_exit_node_is_healthy(scene: Scene) -> None:
    scene.preferred.set_health(Health.FAILS)
    scene.second.set_health(Health.FAILS)
    until(lambda: scene.ready() == 503, "the gateway is not ready")
    until(lambda: scene.reached() == "", "new connections are refused")
    until(lambda: scene.reached(scene.gateway.socks5_port) == "", "SOCKS5 is refused")
    request = b"CONNECT s3.example:443 HTTP/1.1\r\nHost: s3.example:443\r\n\r\n"
    assert scene.asked(request)[0] == "HTTP/1.1 503 Service Unavailable"
    assert status(scene.gateway.status_port, ALIVE_PATH) == 200
    scene.second.set_health(Health.ANSWERS)
    until(lambda: scene.ready() == 200, "the gateway is ready with one exit node")


def test_a_proxy_that_died_is_left_and_comes_back(scene: Scene) -> None:
    scene.preferred.close()
    try:
        until(lambda: scene.reached() == "second", "new connections fail over")
        # Two failures eject it there, and a later attempt goes to the next: a client sees nothing.
        assert scene.reached(scene.gateway.socks5_port) == "second"
    finally:
        scene.preferred.open()
    until(lambda: scene.reached(scene.gateway.socks5_port) == "preferred", "SOCKS5 returns")


def test_a_destination_that_is_down_costs_the_others_nothing(scene: Scene) -> None:
    request = b"CONNECT refused.example:1 HTTP/1.1\r\nHost: refused.example:1\r\n\r\n"
    assert {scene.asked(request)[0] for _ in range(10)} == {"HTTP/1.1 502 Bad Gateway"}
    assert scene.reached(scene.refused) == ""
    assert {scene.reached() for _ in range(10)} == {"preferred"}


def test_the_status_port_gives_metrics_and_nothing_else_of_the_admin_api(scene: Scene) -> None:
    port = scene.gateway.status_port
    healthy = 'envoy_cluster_membership_healthy{envoy_cluster_name="egress"} 2\n'
    until(lambda: healthy in answer(port, STATS_PATH)[1], "both exit nodes are counted")
    for path in ("/", "/stats", "/config_dump", "/quitquitquit", "/stats/prometheus/../../help"):
        assert status(port, path) == 404, path
        assert status(port, path, "POST") == 404, path
    assert status(port, STATS_PATH, "POST") == 404


def test_the_admin_port_cannot_end_or_show_envoy(scene: Scene) -> None:
    port = scene.gateway.admin_port
    assert status(port, "/quitquitquit", "POST") == 403
    assert status(port, "/config_dump") == 403
    assert status(port, STATS_PATH) == 200


def test_a_drain_is_begun_by_the_script_and_cuts_no_connection(
    tmp_path: Path, one_envoy: Scene
) -> None:
    gateway = gateway_of(tmp_path, one_envoy.preferred, one_envoy.second)
    with running(bootstrap(gateway), tmp_path, gateway.status_port) as log:
        scene = Scene(gateway, one_envoy.preferred, one_envoy.second, log)
        until(lambda: scene.reached() == "preferred", "the preferred exit node is used")
        with socket.create_connection(("127.0.0.1", scene.database), 10) as connection:
            assert connection.recv(100) == b"preferred"
            said = completed("bash", "-c", drain_script(gateway.admin_port))
            assert said.stdout.startswith("HTTP/1.1 200 OK")
            connection.sendall(b"still here")
            assert connection.recv(100) == b"still here"


def test_envoy_warns_of_nothing(scene: Scene) -> None:
    assert scene.log.read_text() == ""


def test_envoy_refuses_a_document_with_a_field_it_does_not_know(tmp_path: Path) -> None:
    document: dict[str, Any] = json.loads('{"static_resources": {"listenerz": []}}')
    with pytest.raises(AssertionError, match="listenerz"):
        validated(document, tmp_path)
