"""The findings that were there when the scanner came: they are shown, and fail nothing."""

import json
from collections.abc import Iterable
from pathlib import Path

from .errors import PoliciesError
from .result import Result

Fingerprint = tuple[str, str, str, str]


def read_baseline(file: Path) -> frozenset[Fingerprint]:
    """The fingerprints of a file that `write_baseline` wrote. Raises PoliciesError."""
    try:
        listed = json.loads(file.read_bytes())
        found = frozenset(
            (str(one["file"]), str(one["rule"]), str(one["resource"]), str(one["path"]))
            for one in listed
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise PoliciesError(
            f"{file}: no baseline ({type(error).__name__}); write one with --write-baseline"
        ) from None
    return found


def write_baseline(file: Path, results: Iterable[Result]) -> None:
    """Write the fingerprints of results. Lines are left out, because they move."""
    found = sorted({result.fingerprint for result in results})
    entries = [dict(zip(("file", "rule", "resource", "path"), each, strict=True)) for each in found]
    file.write_text(f"{json.dumps(entries, indent=2)}\n", "utf-8")
