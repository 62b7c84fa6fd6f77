"""The rules of `policies/`, asked as the program of their own that they are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from preflight.result import UnseenError

_REPOSITORY = Path(__file__).resolve().parent.parent
# Nothing found, something found, something not judged: each with its JSON.
_ANSWERS = (0, 1, 2)


def ask(*arguments: str, send: str = "") -> Any:  # noqa: ANN401  whatever JSON it prints
    """The answer of ``python -m policies`` with `send` as its input; raises UnseenError."""
    answer = subprocess.run(
        [sys.executable, "-m", "policies", *arguments],
        cwd=_REPOSITORY,
        input=send,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        if answer.returncode in _ANSWERS:
            return json.loads(answer.stdout)
    except ValueError:
        pass
    raise UnseenError(f"policies {arguments[0]} failed: {answer.stderr.strip()[:300]}")
