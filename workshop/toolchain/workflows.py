"""`python -m workshop.toolchain.workflows`: the CI workflows, checked by actionlint."""

import argparse
import subprocess
import sys
from pathlib import Path

from workshop.toolchain.__main__ import BIN, provide
from workshop.toolchain.errors import ToolchainError
from workshop.toolchain.modules import ACTIONLINT

_FOLDER = Path(__file__).resolve().parents[2] / ".github" / "workflows"


def main() -> int:
    """Check every workflow; actionlint's exit code, or 1 when it is not available."""
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
        prog="python -m workshop.toolchain.workflows", description=__doc__, allow_abbrev=False
    ).parse_args()
    sys.exit(main())
