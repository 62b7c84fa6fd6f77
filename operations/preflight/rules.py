"""The rules of `policies/`, asked as the program of their own that they are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from operations.errors import UnavailableError

_REPOSITORY = Path(__file__).resolve().parents[2]
# Nothing found, something found, something not judged: each with its JSON.
_WITH_RESULTS = (0, 1, 2)


def run_policies(*arguments: str, stdin: str = "") -> Any:  # noqa: ANN401  whatever JSON it prints
    """The JSON that ``python -m policies`` prints; raises UnavailableError."""
    result = subprocess.run(
        [sys.executable, "-m", "policies", *arguments],
        cwd=_REPOSITORY,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        if result.returncode in _WITH_RESULTS:
            return json.loads(result.stdout)
    except ValueError:
        pass
    raise UnavailableError(f"policies {arguments[0]} failed: {result.stderr.strip()[:300]}")
