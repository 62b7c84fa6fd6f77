"""Makes `.venv` with the Python packages of requirements-dev.txt: one command at a time.

Run by the Python that the user has, before any package is there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from delivery import turn

_REPOSITORY = Path(__file__).resolve().parent.parent
_VENV = _REPOSITORY / ".venv"
_STAMP = _VENV / ".installed"
_LISTS = (_REPOSITORY / "requirements.txt", _REPOSITORY / "requirements-dev.txt")
_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def main() -> int:
    """Install what is missing; 0, or 1 after one line that says what to do."""
    with turn.taken(_REPOSITORY / ".venv.lock", "setup", "make .venv"):
        if _is_done():  # by the command that this one has waited for
            return 0
        print("setup: Python packages into .venv (a minute or two)", flush=True)
        if _fails(sys.executable, "-m", "venv", str(_VENV)):
            return _stop(
                "python3 -m venv failed: install the venv module (Debian: apt-get install "
                "python3-venv) and run make again"
            )
        if _fails(str(_VENV / "bin" / "python"), *_PIP, "-r", str(_LISTS[1])):
            return _stop(
                "PyPI could not be reached or a package is missing there: check the network and "
                "pip's index settings, then run make again"
            )
        _STAMP.touch()
    return 0


def _is_done() -> bool:
    made = _STAMP.stat().st_mtime if _STAMP.exists() else 0.0
    return made > max(path.stat().st_mtime for path in _LISTS)


def _fails(*command: str) -> bool:
    return subprocess.run(command, cwd=_REPOSITORY, check=False).returncode != 0


def _stop(why: str) -> int:
    print(f"setup: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m toolchain.packages", description=__doc__, allow_abbrev=False
    ).parse_args()
    sys.exit(main())
