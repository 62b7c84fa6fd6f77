"""`oceanid scan`: the policy rules over manifest files."""

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from operations.delivery.environment import REPOSITORY
from operations.delivery.work_tree import git
from operations.errors import OperationError
from policies.scan import main

_READ_ONCE = {"-", "/dev/stdin"}
# Manifests by their names. Those of the tests are wrong on purpose.
_MANIFESTS = ("*.yaml", "*.yml", "*.json", ":(glob)**/Kustomization", ":!tests")


def scan(paths: list[str], sarif: Path | None) -> int:
    """Judge `paths`, or all there is in this repository; the exit code says what was found."""
    arguments = [*(["--whole"] if not paths else []), "--", *(paths or _all())]
    if sarif is None:
        return main(arguments)
    if set(paths) & _READ_ONCE:
        raise OperationError(
            "--sarif takes files and folders, not standard input: give a file, or run "
            "`python -m policies scan --format sarif -`"
        )
    try:
        sarif.parent.mkdir(parents=True, exist_ok=True)
        with sarif.open("w") as sink, redirect_stdout(sink), redirect_stderr(io.StringIO()):
            main(["--format", "sarif", *arguments])
    except OSError as error:
        raise OperationError(
            f"--sarif {sarif}: {error.strerror}: give a file that can be written"
        ) from None
    return main(arguments)


def _all() -> list[str]:
    """By their paths from here: from the repository's own folder GitHub finds them by SARIF."""
    names = filter(None, git("ls-files", "-z", *_MANIFESTS).split("\0"))
    return [os.path.relpath(REPOSITORY / name) for name in names]
