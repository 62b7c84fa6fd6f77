"""``python -m policies COMMAND``."""

import sys
from collections.abc import Callable, Sequence

from policies import admission, docs, scan

_USAGE = (
    "usage: python -m policies {scan,docs,admission} ... (--help after the command says more)\n"
)


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code, and 2 for a call that is wrong."""
    commands: dict[str, Callable[[Sequence[str]], int]] = {
        "admission": admission.main,
        "docs": docs.main,
        "scan": scan.main,
    }
    if not arguments or arguments[0] not in commands:
        sys.stderr.write(_USAGE)
        return 2
    return commands[arguments[0]](arguments[1:])
