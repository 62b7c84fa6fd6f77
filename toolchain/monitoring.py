"""`python -m toolchain.monitoring`: what only the tests of alerts and probes need."""

from __future__ import annotations

import sys

from toolchain.__main__ import provide
from toolchain.errors import ToolchainError
from toolchain.modules import PROBER, PROMTOOL


def main() -> int:
    """Build or find promtool and the prober; 1 after a line where one cannot be had."""
    try:
        for module in (PROMTOOL, PROBER):
            provide(module)
    except ToolchainError as error:
        print(f"toolchain: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
