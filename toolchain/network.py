"""`python -m toolchain.network`: what only the network lab needs, beside `make toolchain`."""

from __future__ import annotations

import argparse
import sys

from toolchain.__main__ import provide
from toolchain.errors import ToolchainError
from toolchain.modules import COREDNS, PROBER, TAILSCALE


def main() -> int:
    """Build or find the pods' programs and CoreDNS; 1 after a line where one cannot be had."""
    try:
        for module in (TAILSCALE, COREDNS, PROBER):
            provide(module)
    except ToolchainError as error:
        print(f"toolchain: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m toolchain.network", description=__doc__, allow_abbrev=False
    ).parse_args()
    sys.exit(main())
