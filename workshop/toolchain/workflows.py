"""`python -m toolchain.workflows`: the CI workflows, checked by actionlint."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from toolchain.__main__ import BIN, provide
from toolchain.errors import ToolchainError
from toolchain.modules import ACTIONLINT

_FOLDER = Path(__file__).resolve().parent.parent / ".github" / "workflows"


def main() -> int:
    """Check every workflow; actionlint's exit code, or 1 when it cannot be had."""
    try:
        provide(ACTIONLINT)
    except ToolchainError as error:
        print(f"toolchain: {error}", file=sys.stderr)
        return 1
    return check(sorted(_FOLDER.glob("*.yml"))).returncode


def check(workflows: list[Path]) -> subprocess.CompletedProcess[str]:
    """Run actionlint on the files; without shellcheck and pyflakes, which not every machine has."""
    command = [str(BIN / "actionlint"), "-shellcheck=", "-pyflakes=", *map(str, workflows)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    sys.stderr.write(result.stdout + result.stderr)
    return result


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m toolchain.workflows", description=__doc__, allow_abbrev=False
    ).parse_args()
    sys.exit(main())
