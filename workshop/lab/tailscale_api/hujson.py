"""HuJSON: JSON with comments and trailing commas, the format of tailnet policy files.

The format is that of github.com/tailscale/hujson ("JWCC").
"""

import json
import re
from typing import Any, NoReturn

_STRING = r'"(?:[^"\\]|\\.)*"'
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
# A comma right after an opening bracket or another comma stays, and is refused later.
_TRAILING_COMMA = re.compile(rf"({_STRING}|[\[{{:,]\s*,)|,(?=\s*[}}\]])", re.DOTALL)


class HuJSONError(ValueError):
    """The text is not valid HuJSON; the message names the line and the column (from 1)."""


def parse(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a HuJSON text; raises HuJSONError."""
    # Every other character keeps its place, so a JSON error names the place in the original.
    plain = _TRAILING_COMMA.sub(_blanked, _COMMENT.sub(_blanked, text))
    try:
        return json.loads(plain, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise HuJSONError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise HuJSONError("nested too deeply") from None


def _blanked(match: re.Match[str]) -> str:
    """A string as it is, anything else as spaces."""
    return match[1] or re.sub(r"[^\n]", " ", match[0])


def _refuse_constant(name: str) -> NoReturn:
    raise HuJSONError(f"{name} is not a JSON value")
