"""One lab for all end-to-end tests, and one with the stack deployed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.home import Home
from tests.e2e.fleet import Fleet, said


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A lab that runs, with nothing deployed by this fixture."""
    one = Fleet(home=Home(path=tmp_path_factory.mktemp("lab")))
    up = one.lab("up")
    assert up.returncode == 0, said(up)
    yield one
    down = one.lab("down")
    assert down.returncode == 0, said(down)


@pytest.fixture(scope="session")
def deployed(fleet: Fleet) -> Fleet:
    """The lab with the stack deployed."""
    up = fleet.delivery("up")
    assert up.returncode == 0, said(up)
    return fleet


@pytest.fixture
def incident() -> Path:
    """The folder of the program that would have caused the outage."""
    return Path(__file__).resolve().parent / "programs" / "incident"
