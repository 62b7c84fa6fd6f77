"""The way into the simulated cluster: to real processes by their pods' addresses, no other."""

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from workshop.lab import pki
from workshop.lab.cluster_network import routes
from workshop.lab.cluster_network.routes import RouteError, resolve
from workshop.lab.home import REPOSITORY, Home

_SIMULATED = ["10.42.0.0/16", "10.43.0.0/16"]


def test_a_pod_that_a_process_serves_is_found_and_its_other_ports_are_not(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    routes.write(path, {("10.42.0.7", 10250): 4711})
    assert resolve(path, ("10.42.0.7", 10250), _SIMULATED) == ("127.0.0.1", 4711)
    for target in (("10.42.0.7", 10251), ("10.42.0.8", 10250), ("10.43.0.1", 443)):
        with pytest.raises(RouteError, match="no process serves"):
            resolve(path, target, _SIMULATED)


@pytest.mark.parametrize("target", [("192.0.2.7", 443), ("api.example", 443), ("::1", 80)])
def test_what_is_outside_of_the_cluster_is_left_as_it_is(
    tmp_path: Path, target: tuple[str, int]
) -> None:
    assert resolve(tmp_path / "none", target, _SIMULATED) == target


@dataclass
class _Proxy:
    """A running proxy, and the TLS context of the only client it serves."""

    port: int
    routes: Path
    client: ssl.SSLContext
    log: Path

    def connect(self, request: bytes, tls: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        secured = (tls or self.client).wrap_socket(raw, server_hostname="127.0.0.1")
        secured.sendall(request)
        return secured


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Proxy]:
    folder = tmp_path_factory.mktemp("network")
    home = Home(path=folder)
    authority = pki.Authority(folder=folder, name="ca")
    pair = authority.issue("server", user="server")
    own = authority.issue("client", user="client")
    client = ssl.create_default_context(cafile=str(authority.pair.certificate))
    client.load_cert_chain(own.certificate, own.key)
    one = _Proxy(home.port("proxy"), folder / "routes.json", client, folder / "log")
    files = [f"--certificate={pair.certificate}", f"--key={pair.key}"]
    files += [f"--client-authority={authority.pair.certificate}", f"--routes={one.routes}"]
    with one.log.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "workshop.lab.cluster_network", f"--port={one.port}", *files]
            + [f"--simulated={each}" for each in _SIMULATED],
            cwd=REPOSITORY,
            stderr=log,
        )
    try:
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", one.port), timeout=10).close()
                break
            except ConnectionRefusedError:
                pass
        yield one
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def far_side() -> Iterator[int]:
    """A server that answers each line with the same line; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb", buffering=0) as stream:
                for line in stream:
                    stream.write(line)

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_a_tunnel_to_a_pod_carries_both_ways_and_ends_with_either_side(
    proxy: _Proxy, far_side: int
) -> None:
    routes.write(proxy.routes, {("10.42.0.7", 10250): far_side})
    request = b"CONNECT 10.42.0.7:10250 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with proxy.connect(request) as tunnel:
        # Not a byte more than the answer: the API server's TLS begins right after it.
        assert tunnel.recv(1000) == b"HTTP/1.1 200 OK\r\n\r\n"
        for line in (b"one\n", b"x" * 100_000 + b"\n"):
            tunnel.sendall(line)
            got = b""
            while len(got) < len(line):
                got += tunnel.recv(65536)
            assert got == line


@pytest.mark.parametrize(
    "request_",
    [
        b"CONNECT 10.42.0.99:10250 HTTP/1.1\r\n\r\n",
        b"CONNECT 10.42.0.99 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n",
        b"CONNECT " + b"x" * 100_000,
    ],
)
def test_what_leads_nowhere_is_502_at_once_and_the_proxy_goes_on(
    proxy: _Proxy, request_: bytes
) -> None:
    with proxy.connect(request_) as refused:
        assert refused.recv(1000).startswith(b"HTTP/1.1 502 ")
    assert "Traceback" not in proxy.log.read_text()


def _is_answered(proxy: _Proxy, tls: ssl.SSLContext) -> bool:
    try:
        with proxy.connect(b"CONNECT 192.0.2.7:1 HTTP/1.1\r\n\r\n", tls) as connection:
            return bool(connection.recv(1000))
    except OSError:  # refused, closed or reset, by the TLS version
        return False


def test_nobody_without_the_api_server_s_certificate_is_answered(proxy: _Proxy) -> None:
    stranger = ssl.create_default_context()
    stranger.check_hostname = False
    stranger.verify_mode = ssl.CERT_NONE
    assert not _is_answered(proxy, stranger)
