"""``python -m policies COMMAND``."""

import sys
from collections.abc import Sequence
from importlib import import_module

from .errors import PoliciesError

_COMMANDS = ("scan", "docs", "prohibited", "coverage", "admission", "refused")
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
