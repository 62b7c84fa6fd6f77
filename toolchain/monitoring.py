"""`python -m toolchain.monitoring`: what only the tests of alerts need."""

from __future__ import annotations

import argparse
import sys

from toolchain.__main__ import provide
from toolchain.errors import ToolchainError
from toolchain.modules import PROMTOOL


def main() -> int:
    """Build or find promtool; 1 after a line where it cannot be had."""
    try:
        provide(PROMTOOL)
    except ToolchainError as error:
        print(f"toolchain: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m toolchain.monitoring", description=__doc__, allow_abbrev=False
    ).parse_args()
    sys.exit(main())
