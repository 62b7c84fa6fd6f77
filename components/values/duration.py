"""A length of time, read as Kubernetes reads one: by Go's `time.ParseDuration`."""

import re
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator

from .fields import refuse

# Go takes either of the two letters that look like a mu.
_UNITS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 10**3),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_PART = re.compile(rf"([0-9]+\.?[0-9]*|\.[0-9]+)({'|'.join(_UNITS)})(?![a-zµμ])")
# int64 nanoseconds.
_LONGEST_SECONDS = Fraction(2**63 - 1, 10**9)


def seconds(duration: str) -> Fraction | None:
    """The seconds of a duration of Go, exactly; None for what Go refuses."""
    sign = -1 if duration.startswith("-") else 1
    rest = duration[1:] if duration[:1] in {"-", "+"} else duration
    if rest == "0":
        return Fraction(0)
    total, at = Fraction(0), 0
    while part := _PART.match(rest, at):
        total += Fraction(part[1].rstrip(".")) * _UNITS[part[2]]
        at = part.end()
    if at == 0 or at < len(rest) or total > _LONGEST_SECONDS:
        return None
    return sign * total


def _interval(value: str) -> str:
    """The value as it was given: another spelling would be a change of what is deployed."""
    length = seconds(value)
    if length is None:
        refuse("not a duration", "give it as Kubernetes takes one, such as 15m, 1h30m or 1m0s")
    if length < 1:
        refuse("shorter than a second", "give it such as 1m, 15m or 1h")
    return value


Interval = Annotated[str, AfterValidator(_interval)]
