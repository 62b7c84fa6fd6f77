"""Scalars of YAML as kubectl reads them: `resolve.go` of go.yaml.in/yaml v2, then through JSON."""

import base64
import binascii
import re
from math import isfinite
from typing import Any

AnyEvent = Any
"""One of libyaml's events, whose types PyYAML does not tell."""

_PREFIX = "tag:yaml.org,2002:"
MERGE = f"{_PREFIX}merge"
_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_NULL = ("", "~", "null", "Null", "NULL")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(_NULL, None),
}
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# What a scalar that is no text begins with; every other one needs no second look.
FIRST = frozenset(("", *"0123456789+-.~yYnNtTfFoO"))
_NUMERIC = frozenset("0123456789+-.")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ]|$)")
_BASES = (16, 2, 8, 10)
# 64 binary digits with a sign and 0b.
_LONGEST_INTEGER = 67
_LEAST_INT64, _MOST_UINT64, _MOST_INT64 = -(2**63), 2**64 - 1, 2**63 - 1


class NotYamlError(Exception):
    """What kubectl could not read either; the text says why, without the text that stands there."""

    def __init__(self, why: str, line: int = 1, column: int = 1) -> None:
        super().__init__(why)
        self.line = line
        self.column = column


def fault(event: AnyEvent, why: str) -> NotYamlError:
    mark = event.start_mark
    return NotYamlError(why, mark.line + 1, mark.column + 1)


def scalar(event: AnyEvent) -> object:
    if event.tag is not None and event.tag != "!":
        return _tagged(event)
    if event.tag is not None or not event.implicit[0]:
        return event.value
    value = plain(event.value)
    if type(value) is float and not isfinite(value):
        raise fault(event, "a number that JSON cannot hold; write it as text")
    return value


def plain(text: str) -> object:
    """The value of a scalar without quotes or tag."""
    if text[:1] not in FIRST:
        return text
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in _NUMERIC else text


def _number(text: str) -> int | float | str:
    """A number, or the text itself: also for a date, a time of day and what JSON cannot hold."""
    plain = text.replace("_", "") if text[0] != "." else text
    match = _INTEGER.fullmatch(plain) if len(plain) <= _LONGEST_INTEGER else None
    if match is not None:
        sign, *digits = match.groups()
        number = next(int(d, base) for d, base in zip(digits, _BASES, strict=True) if d)
        number = -number if sign == "-" else number
        if _LEAST_INT64 <= number <= _MOST_INT64:
            return number
        if sign == "" and number <= _MOST_UINT64:
            return float(number)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", "").lower())
    if _FLOAT.fullmatch(plain):
        decimal = float(plain)
        if isfinite(decimal):
            # Through JSON a whole number is one, however it was written.
            whole = decimal.is_integer() and _LEAST_INT64 < decimal < _MOST_INT64
            return int(decimal) if whole else decimal
    return text


def _tagged(event: AnyEvent) -> object:
    """The value of a scalar with a tag; a tag that is an application's own means nothing here."""
    name = event.tag.removeprefix(_PREFIX) if event.tag.startswith(_PREFIX) else ""
    text: str = event.value
    if name == "binary":
        try:
            decoded = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
        except (binascii.Error, ValueError):
            raise fault(event, "!!binary without base64; encode the value") from None
        return decoded.decode("utf-8", "replace")
    value = plain(text)
    fits = {
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "null": value is None,
        "timestamp": _DATE.match(text) is not None,
    }.get(name)
    if fits is None:
        return text
    if not fits:
        raise fault(event, f"the value does not fit its tag !!{name}; remove the tag")
    return value


def key_text(value: object, event: AnyEvent) -> str:
    """A mapping's key as JSON has it, which is text. Raises NotYamlError for what cannot be one."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return event.value if isinstance(value, float) and not isfinite(value) else str(value)
    raise fault(event, "a key that is no text, number or boolean; write it as text")
