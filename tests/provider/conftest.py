"""Fixtures: the stand-in, the plugin's process, and a stack under the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.provider.plugin import Plugin
from workshop.testing.provider_engine import Stack
from workshop.testing.provider_stand_in import StandIn, start_stand_in


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    """A network without rules."""
    stand_in = start_stand_in(tmp_path)
    yield stand_in
    stand_in.stop()


@pytest.fixture
def plugin(tmp_path: Path, stand_in: StandIn) -> Iterator[Plugin]:
    """The plugin, configured for the stand-in by its environment."""
    plugin = Plugin.start(
        tmp_path, CRUNCHY_API_KEY=stand_in.api_key, CRUNCHYBRIDGE_BASE_URL=stand_in.url
    )
    plugin.configure()
    yield plugin
    plugin.stop()
    assert stand_in.api_key not in plugin.log.read_text()


@pytest.fixture
def stack(tmp_path: Path, stand_in: StandIn) -> Stack:
    """A stack of firewall rules, none yet."""
    return Stack(tmp_path, stand_in)
