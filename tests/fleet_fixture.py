"""A fleet on real nodes as a fixture."""

from collections.abc import Iterator
from typing import Any

import pytest

from workshop.testing.nodes.fleet import Fleet, fleet


def fleet_fixture(**options: Any) -> Any:
    """A fixture of a file: a fleet of its own whose gateways take traffic.

    `options` are those of `workshop.testing.nodes.fleet.fleet`.
    """

    @pytest.fixture(scope="module")
    def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
        with fleet(tmp_path_factory.mktemp("fleet"), **options) as made:
            made.start_gateways()
            made.until_gateways()
            yield made

    return running
