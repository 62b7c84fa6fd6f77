"""`python -m workshop.lab.node.tether HOME`: ends the lab in HOME once standard input is closed.

It is closed by whoever started this, or by the kernel when that process ends in whatever way: so a
lab of a test does not outlive the test, not even one that is killed.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workshop.lab.home import REPOSITORY, Home
from workshop.lab.node import fleet

_SECONDS_TO_END = 120.0


@contextmanager
def tethered(home: Home) -> Iterator[None]:
    """A lab in `home` that is started in the block does not outlive it, nor this process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "workshop.lab.node.tether", str(home.path)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        # A Ctrl-C is for the process that started this.
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.communicate(timeout=_SECONDS_TO_END)


def main(arguments: list[str] | None = None) -> int:
    """Wait, then end the lab."""
    parser = argparse.ArgumentParser(
        prog="python -m workshop.lab.node.tether", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("home", type=Path)
    home = Home(path=parser.parse_args(arguments).home)
    sys.stdin.read()
    fleet.end(home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
