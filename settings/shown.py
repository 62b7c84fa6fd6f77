"""How a setting's value is shown in a message."""

from __future__ import annotations

import json
import re

# What must never be repeated in a message, should somebody have put it into the wrong key.
_SECRET_LOOK = re.compile(
    r"tskey-|cbkey_|pul-[0-9a-f]|AKIA|BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]+:[^/\s@]+@"
)
_LONGEST_VALUE = 80


def shown(value: object, *, hidden: bool = False) -> str:
    """The value as JSON, cut where it is long, and left out where it is or looks secret."""
    text = json.dumps(value, default=str)
    if hidden or _SECRET_LOOK.search(text):
        return "[secret]"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
