"""Makes `.venv` with the packages of requirements-dev.lock and `oceanid`: one command at a time.

Run by the Python that the user has, before any package is there.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from operations.delivery import turn

_REPOSITORY = Path(__file__).resolve().parents[2]
_VENV = _REPOSITORY / ".venv"
_PYTHON = str(_VENV / "bin" / "python")
_STAMP = _VENV / ".installed"
_NAMES = ("requirements-dev.lock", "pyproject.toml")
_SOURCES = tuple(_REPOSITORY / name for name in _NAMES)
_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def main() -> int:
    """Install what is missing; 0, or 1 after one line that says what to do."""
    with turn.taken(_REPOSITORY / ".venv.lock", "setup", "make set-up"):
        if _is_done():  # by the command that this one has waited for
            return 0
        print("setup: Python packages into .venv (a minute or two)", flush=True)
        if _fails(sys.executable, "-m", "venv", str(_VENV)):
            return _stop(
                "python3 -m venv failed: install the venv module (Debian: apt-get install "
                "python3-venv) and run `make set-up` again"
            )
        if _fails(_PYTHON, *_PIP, "--require-hashes", "-r", _NAMES[0]):
            return _stop(
                "pip failed, see above: where PyPI cannot be reached or a package is missing "
                "there, check the network and pip's index settings, then run `make set-up` again; "
                f"where a hash differs, the index serves a file that {_NAMES[0]} does not know"
            )
        # This project itself, as it lies here: nothing is copied, nothing is fetched.
        if _fails(_PYTHON, *_PIP, "--no-deps", "--no-build-isolation", "--editable", "."):
            return _stop("pip could not put `oceanid` into .venv: see above")
        _STAMP.touch()
    return 0


def _is_done() -> bool:
    made = _STAMP.stat().st_mtime if _STAMP.exists() else 0.0
    return made > max(path.stat().st_mtime for path in _SOURCES)


def _fails(*command: str) -> bool:
    return subprocess.run(command, cwd=_REPOSITORY, check=False).returncode != 0


def _stop(why: str) -> int:
    print(f"setup: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m workshop.toolchain.packages", description=__doc__, allow_abbrev=False
    ).parse_args()
    sys.exit(main())
