"""What only the stand-in plugins do: they say what they are, and refuse what they lack."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2

from providers.plugin.property_value import UNKNOWN
from tests.lab.stand_in_processes import REPOSITORY, Plugin
from tests.plugin_process import Engine, details
from workshop.testing.waiting import until

COMMAND = "command:local:Command"
RUN = "command:local:run"
KEY = "tailscale:index/tailnetKey:TailnetKey"
CLIENT = "tailscale:index/oauthClient:OauthClient"


@pytest.fixture
def command(start_stand_in_plugin: Callable[..., Plugin]) -> Plugin:
    plugin = start_stand_in_plugin("command")
    plugin.configure()
    return plugin


@pytest.fixture
def tailscale(start_stand_in_plugin: Callable[..., Plugin]) -> Plugin:
    """The tailscale plugin, configured for an API that is not there."""
    plugin = start_stand_in_plugin("tailscale")
    plugin.configure(apiKey=secrets.token_hex(8), baseUrl="http://127.0.0.1:1")
    return plugin


@pytest.mark.parametrize(("name", "version"), [("command", "1.2.1"), ("tailscale", "0.29.2")])
def test_the_user_is_told_once_that_a_stand_in_is_in_use(
    request: pytest.FixtureRequest, name: str, version: str
) -> None:
    plugin: Plugin = request.getfixturevalue(name)
    ((_, message),) = plugin.engine.messages
    assert message.startswith(f"stand-in for the {name} provider {version}:")


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"assetPaths": ["*"]}, "no 'assetPaths'"),
        ({"archivePaths": ["*"]}, "no 'archivePaths'"),
        ({"logging": "loud"}, "must be one of"),
        ({"creat": "x"}, "not a known property"),
        ({"environment": {"A": 1}}, "object of strings"),
    ],
)
def test_what_the_stand_in_lacks_is_refused(
    command: Plugin, inputs: dict[str, Any], reason: str
) -> None:
    assert any(reason in text for text in command.check(COMMAND, **inputs))
    if "creat" not in inputs:
        assert any(reason in text for text in command.refusals(RUN, command="true", **inputs))


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"expiry": "soon"}, "of type integer"),
        ({"tags": [1]}, "array of strings"),
        ({"surprise": 1}, "not a known property"),
    ],
)
def test_inputs_that_the_real_provider_ignores_or_fails_at_are_refused(
    tailscale: Plugin, inputs: dict[str, Any], reason: str
) -> None:
    assert any(reason in text for text in tailscale.check(KEY, **inputs))


@pytest.mark.parametrize(
    ("name", "type_name"),
    [("command", "command:remote:Command"), ("tailscale", "tailscale:index/webhook:Webhook")],
)
def test_a_resource_type_the_stand_in_lacks_is_refused_with_one_line(
    request: pytest.FixtureRequest, name: str, type_name: str
) -> None:
    plugin: Plugin = request.getfixturevalue(name)
    with pytest.raises(grpc.RpcError) as caught:
        plugin.check(type_name)
    assert f"no resource type '{type_name}'" in details(caught)
    assert "\n" not in details(caught)


def test_a_command_cannot_be_imported(command: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match="cannot be imported"):
        command.read(COMMAND, "x", {}, {})


def test_an_input_that_is_still_unknown_runs_nothing(command: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match="still unknown: nothing was done"):
        command.create(COMMAND, create="true", environment={"A": UNKNOWN})


def test_settings_that_are_not_known_yet_allow_a_preview_and_nothing_else(
    start_stand_in_plugin: Callable[..., Plugin],
) -> None:
    plugin = start_stand_in_plugin("tailscale")
    plugin.configure(apiKey=UNKNOWN)
    assert plugin.create(KEY, preview=True)[1]["key"] is UNKNOWN
    with pytest.raises(grpc.RpcError, match="not known before the update"):
        plugin.create(KEY)


def test_cancelling_ends_the_command_and_what_it_started(command: Plugin, tmp_path: Path) -> None:
    fifo = tmp_path / "started"
    os.mkfifo(fifo)
    script = f"sleep 1000 & echo $! > {fifo}; wait"
    with futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(command.create, COMMAND, create=script)
        child = int(fifo.read_text())
        command.stub.Cancel(empty_pb2.Empty())
        with pytest.raises(grpc.RpcError, match="cancelled"):
            running.result()
    until(lambda: _has_ended(child), "the command has ended")


def test_a_plugin_whose_engine_was_killed_ends_with_its_command(tmp_path: Path) -> None:
    fifo = tmp_path / "started"
    os.mkfifo(fifo)
    command = "[sys.executable, '-m', 'workshop.lab.plugins.command']"
    code = f"import subprocess, sys; subprocess.run({command})"
    engine = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert engine.stdout is not None
    with (
        grpc.insecure_channel(f"127.0.0.1:{int(engine.stdout.readline())}") as channel,
        futures.ThreadPoolExecutor(1) as pool,
    ):
        listening = Engine()
        plugin = Plugin(engine, listening, channel, tmp_path / "log")
        running = pool.submit(plugin.create, COMMAND, create=f"sleep 1000 & echo $! > {fifo}; wait")
        child = int(fifo.read_text())
        engine.kill()
        engine.wait()
        with pytest.raises(grpc.RpcError, match="cancelled"):
            running.result()
        # The plugin holds the other end of its output until it has ended.
        assert engine.stdout.read() == ""
    engine.stdout.close()
    listening.server.stop(grace=None).wait()
    until(lambda: _has_ended(child), "the command has ended")


def _has_ended(pid: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
