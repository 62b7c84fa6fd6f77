"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadline for an example: it would time the machine, not the code. In CI the examples are the
# same in every run, so that a red run is about the change; on a desk they are new ones each time.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("house")
