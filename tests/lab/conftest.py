"""Fixtures: a running API stand-in, and plugins with a listening engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import engine_pb2_grpc

from tests.lab.stand_in_processes import (
    POLICY,
    REPOSITORY,
    Engine,
    Plugin,
    StandIn,
    start_stand_in,
    stop_stand_in,
)
from tests.lab_variables import lab_variables

# The folder of the real plugins, to run the tests of behaviour on them: docs/stand-ins.md.
_REAL = os.environ.get("OCEANID_REAL_PLUGINS", "")


@pytest.fixture
def bare_stand_in(tmp_path: Path) -> Iterator[StandIn]:
    """A tailnet nobody has touched."""
    stand_in = start_stand_in(tmp_path)
    yield stand_in
    stop_stand_in(stand_in)


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    """A tailnet whose policy owns two tags and approves exit nodes tagged `tag:exit`."""
    policy = tmp_path / "policy.hujson"
    policy.write_text(POLICY)
    stand_in = start_stand_in(tmp_path, "--policy", str(policy))
    yield stand_in
    stop_stand_in(stand_in)


@contextmanager
def _plugins(folder: Path) -> Iterator[Callable[..., Plugin]]:
    """How to start plugins as in a lab, with a kubeconfig in `folder`."""
    lab = lab_variables(folder)
    server = grpc.server(futures.ThreadPoolExecutor(4))
    engine = Engine()
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    started: list[Plugin] = []

    def start(name: str, *, real: bool = True, **environment: str) -> Plugin:
        command = [sys.executable, "-m", f"lab.plugins.{name}"]
        if real and _REAL:
            command = [str(Path(_REAL) / f"pulumi-resource-{name}")]
        process = subprocess.Popen(
            [*command, f"127.0.0.1:{port}"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY), **lab, **environment},
        )
        assert process.stdout is not None
        port_line = process.stdout.readline()
        if not port_line.strip().isdigit():
            process.kill()
            process.communicate()
            raise AssertionError(f"the plugin {name} gave no port")
        address = f"127.0.0.1:{int(port_line)}"
        started.append(Plugin(process, grpc.insecure_channel(address), engine))
        return started[-1]

    yield start
    for plugin in started:
        plugin.channel.close()
        plugin.process.kill()
        plugin.process.wait()
        if plugin.process.stdout is not None:
            plugin.process.stdout.close()
    server.stop(grace=None).wait()


@pytest.fixture
def start_plugin(tmp_path: Path) -> Iterator[Callable[..., Plugin]]:
    """Start a plugin by its name as the engine would."""
    with _plugins(tmp_path) as start:
        yield start


@pytest.fixture
def start_stand_in_plugin(start_plugin: Callable[..., Plugin]) -> Callable[..., Plugin]:
    """The same, and the stand-in whatever is to be tested."""
    return partial(start_plugin, real=False)


@pytest.fixture(scope="session")
def tailscale_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """One tailscale plugin for all tests that do not end it: starting one takes 0.3 s."""
    with _plugins(tmp_path_factory.mktemp("lab")) as start:
        yield start("tailscale")


@pytest.fixture(scope="session")
def command_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """One command plugin for all tests that do not cancel it."""
    with _plugins(tmp_path_factory.mktemp("lab")) as start:
        yield start("command")


@pytest.fixture
def tailscale(stand_in: StandIn, tailscale_process: Plugin) -> Plugin:
    """The tailscale plugin, configured for the stand-in with its API key."""
    tailscale_process.engine.messages.clear()
    tailscale_process.configure(apiKey=stand_in.api_key, baseUrl=stand_in.url)
    stand_in.forget_requests()
    return tailscale_process


@pytest.fixture
def command(command_process: Plugin) -> Plugin:
    """The command plugin, configured."""
    command_process.engine.messages.clear()
    command_process.configure()
    return command_process
