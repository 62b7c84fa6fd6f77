"""One lab for all end-to-end tests, and one with the stack deployed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.delivery.checkout import said
from tests.e2e.fleet import Fleet, running_lab


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A lab that runs, with nothing deployed by this fixture."""
    with running_lab(tmp_path_factory.mktemp("lab")) as one:
        yield one


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A lab with the stack deployed, which no test changes for the next one.

    Not the lab of `fleet`: tests of that one put policies there and take them away.
    """
    with running_lab(tmp_path_factory.mktemp("lab")) as one:
        up = one.update()
        assert up.returncode == 0, said(up)
        yield one
