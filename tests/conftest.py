"""What holds for every test."""

import os
import pkgutil
from pathlib import Path

import pytest
from hypothesis import settings

# Helpers assert as tests do: a failure shows the values there too.
pytest.register_assert_rewrite(
    "workshop.testing",
    *(f"tests.{each.name}" for each in pkgutil.iter_modules([str(Path(__file__).parent)])),
)

# No deadline for an example: it would time the machine, not the code. In CI the examples are the
# same in every run, so that a red run is about the change; on a desk they are new ones each time.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("house")
