"""``python -m policies COMMAND``."""

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path

from .errors import PoliciesError

_COMMANDS = ("scan", "docs", "prohibited", "admission")
_USAGE = (
    f"usage: python -m policies {{{','.join(_COMMANDS)}}} ... "
    "(--help after the command says more)\n"
)


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code, and 2 for a call that is wrong."""
    if not arguments or arguments[0] not in _COMMANDS:
        sys.stderr.write(_USAGE)
        return 2
    # Only the command that was asked for: a scan of one file must not wait for the others.
    command = import_module(f".{arguments[0]}", __package__)
    try:
        code: int = command.main(arguments[1:])
    except PoliciesError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return code


_BEGIN, _END = "<!-- rules -->\n", "<!-- end of rules -->\n"


def renewed(document: Path, lines: Iterable[str]) -> str:
    """The document with `lines` in the place of what stands between its two marks."""
    before, begin, rest = document.read_text("utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    return "".join((before, begin, "\n", "\n".join(lines), "\n", end, after))


def written(command: str, document: str, default: Path, arguments: Sequence[str]) -> int:
    """What a command does that writes `document`: to `default` or the one argument; 2 for more."""
    if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
        sys.stderr.write(f"usage: python -m policies {command} [FILE]\n")
        return 2
    (Path(arguments[0]) if arguments else default).write_text(document, "utf-8")
    return 0
