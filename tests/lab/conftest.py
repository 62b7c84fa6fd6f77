"""Fixtures: a running API stand-in, and plugins with a listening engine."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.lab.stand_in_processes import (
    POLICY,
    REPOSITORY,
    Plugin,
    StandIn,
    start_stand_in,
)
from tests.lab_variables import lab_variables

# The folder of the real plugins, to run the tests of behaviour on them: docs/stand-ins.md.
_REAL = os.environ.get("OCEANID_REAL_PLUGINS", "")


@pytest.fixture
def bare_stand_in(tmp_path: Path) -> Iterator[StandIn]:
    """A tailnet nobody has touched."""
    stand_in = start_stand_in(tmp_path)
    yield stand_in
    stand_in.stop()


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    """A tailnet whose policy owns two tags and approves exit nodes tagged `tag:exit`."""
    policy = tmp_path / "policy.hujson"
    policy.write_text(POLICY)
    stand_in = start_stand_in(tmp_path, "--policy", str(policy))
    yield stand_in
    stand_in.stop()


@contextmanager
def _plugins(folder: Path) -> Iterator[Callable[..., Plugin]]:
    """How to start plugins as in a lab, with a kubeconfig in `folder`."""
    lab = {"PYTHONPATH": str(REPOSITORY), **lab_variables(folder)}
    started: list[Plugin] = []

    def start(name: str, *, real: bool = True, **environment: str) -> Plugin:
        command = [sys.executable, "-m", f"workshop.lab.plugins.{name}"]
        if real and _REAL:
            command = [str(Path(_REAL) / f"pulumi-resource-{name}")]
        started.append(Plugin.run(command, folder, **{**lab, **environment}))
        return started[-1]

    yield start
    for plugin in started:
        plugin.stop()


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
    command_process.engine.messages.clear()
    command_process.configure()
    return command_process
