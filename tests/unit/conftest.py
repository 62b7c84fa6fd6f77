"""A running Envoy for the tests that ask one: one a file, with both exit nodes well at first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.envoy_scene import Scene, all_well, one_scene


@pytest.fixture(scope="module")
def one_envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with one_scene(tmp_path_factory.mktemp("envoy")) as made:
        yield made


@pytest.fixture
def scene(one_envoy: Scene) -> Iterator[Scene]:
    with all_well(one_envoy) as made:
        yield made
