"""One lab for all end-to-end tests, and one with the stack deployed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.fleet import Fleet, running_lab, said


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A lab that runs, with nothing deployed by this fixture."""
    with running_lab(tmp_path_factory.mktemp("lab")) as one:
        yield one


@pytest.fixture(scope="session")
def deployed(fleet: Fleet) -> Fleet:
    """The lab with the stack deployed."""
    up = fleet.delivery("up")
    assert up.returncode == 0, said(up)
    return fleet
