"""What the checks before an update do when one fails."""

from __future__ import annotations

from enum import StrEnum

from components.values.model import StrictModel


class OnFailure(StrEnum):
    """What a failed check of the preflight does to a preview or an update."""

    WARN = "warn"
    STOP = "stop"


class PreflightSettings(StrictModel):
    """The checks that run before anything changes; see docs/preflight.md."""

    on_failure: OnFailure = OnFailure.STOP
