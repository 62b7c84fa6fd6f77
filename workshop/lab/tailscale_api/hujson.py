"""HuJSON: JSON with comments and trailing commas, the format of tailnet policy files.

The format is that of github.com/tailscale/hujson ("JWCC").
"""

import json
import re
from typing import Any, NoReturn

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<comment>//[^\n]* | /\*.*?\*/)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<mark>[{}\[\]:,])
      | (?P<literal>[^\s{}\[\]:,"/]+)""",
    re.DOTALL | re.VERBOSE,
)


class HuJSONError(ValueError):
    """The text is not valid HuJSON; the message names the line and the column (from 1)."""


def parse(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a HuJSON text; raises HuJSONError."""
    try:
        return json.loads(standardize(text), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise HuJSONError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise HuJSONError("nested too deeply") from None


def standardize(text: str) -> str:
    """The text as plain JSON: comments and trailing commas become spaces.

    Every other character keeps its place, so a JSON error names the place in the original.
    Raises HuJSONError at a character that begins no token.
    """
    out: list[str] = []
    pending_comma = -1
    previous = ""
    for kind, piece in _tokens(text):
        if kind == "comment":
            piece = re.sub(r"[^\n]", " ", piece)  # noqa: PLW2901 - blanked in place
        elif kind != "space":
            if piece in "}]" and pending_comma >= 0:
                out[pending_comma] = " "
            # A comma right after an opening bracket or another comma stays, and is refused later.
            pending_comma = len(out) if piece == "," and previous not in "{[,:" else -1
            previous = piece
        out.append(piece)
    return "".join(out)


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            line = text.count("\n", 0, position) + 1
            column = position - text.rfind("\n", 0, position)
            raise HuJSONError(f"line {line}, column {column}: unexpected {text[position]!r}")
        found.append((str(match.lastgroup), match.group()))
        position = match.end()
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise HuJSONError(f"{name} is not a JSON value")
