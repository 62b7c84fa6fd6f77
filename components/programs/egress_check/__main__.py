"""`python3 egress_check DOCUMENT`: measures the egress path of one node and says what it saw.

One JSON line a check on standard output; one line for all in the pod's termination message; exit
code 0 when every check has passed, 1 when one has not, 2 for a document that is wrong.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from probes import FIELDS, PROBES, Check, UnexpectedError, describe

# What Kubernetes keeps of a termination message.
_LONGEST_SUMMARY_BYTES = 4096
_SECONDS_BETWEEN_ATTEMPTS = 1.0


@dataclass(frozen=True)
class Result:
    """What one check expected and saw in its last attempt, and how long that took."""

    name: str
    ok: bool
    target: str
    expected: str
    seen: str
    milliseconds: int
    attempts: int


def main(arguments: list[str]) -> int:
    """Run the document's checks at the same time, each tried again until it is to be settled."""
    try:
        (path,) = arguments
        document = checked(json.loads(Path(path).read_text()))
    except (ValueError, OSError, KeyError, TypeError) as error:
        print(f"egress-check: the document is wrong: {error}", file=sys.stderr)
        return 2
    started = time.monotonic()
    settled = started + document["settleSeconds"]
    with ThreadPoolExecutor(max_workers=len(document["checks"])) as pool:
        results = list(
            pool.map(
                lambda each: run(each, document["attemptSeconds"], settled), document["checks"]
            )
        )
    for result in results:
        print(json.dumps(asdict(result)), flush=True)
    line = summary(results)
    print(line, file=sys.stderr)
    message = Path(os.environ.get("TERMINATION_LOG", "/dev/termination-log"))
    if message.exists() or message.parent != Path("/dev"):
        message.write_bytes(line.encode()[:_LONGEST_SUMMARY_BYTES])
    return 0 if all(result.ok for result in results) else 1


def checked(document: Any) -> dict[str, Any]:  # noqa: ANN401  it has not been checked yet
    """The document, once it holds what the checks need; raises ValueError that names the check."""
    if not document["checks"]:
        raise ValueError("it names no check")
    for key in ("settleSeconds", "attemptSeconds"):
        if not document[key] > 0:
            raise ValueError(f"{key} must be above 0")
    for check in document["checks"]:
        kind = check.get("kind")
        if kind not in PROBES:
            known = ", ".join(sorted(PROBES))
            raise ValueError(f"check {check.get('name')}: kind {kind!r} is none of {known}")
        missing = [field for field in ("name", *FIELDS[kind]) if field not in check]
        if missing:
            raise ValueError(f"check {check.get('name')}: {', '.join(missing)} missing")
    return dict(document)


def run(
    check: Check,
    seconds: float,
    settled: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """Try one check until it passes or the time to settle is over; the last attempt counts."""
    attempts = 0
    while True:
        attempts += 1
        began = time.monotonic()
        try:
            seen, ok = PROBES[check["kind"]](check, seconds), True
        except UnexpectedError as failure:
            seen, ok = str(failure), False
        except Exception as error:  # noqa: BLE001  whatever the network gives is what was seen
            seen, ok = describe(error), False
        took = round((time.monotonic() - began) * 1000)
        if ok or time.monotonic() + _SECONDS_BETWEEN_ATTEMPTS > settled:
            return Result(check["name"], ok, target(check), expected(check), seen, took, attempts)
        sleep(_SECONDS_BETWEEN_ATTEMPTS)


def target(check: Check) -> str:
    """What a check asks: an address, a URL or a name."""
    return str(check.get("url") or check.get("address") or check.get("host"))


def expected(check: Check) -> str:
    """What a check wants to see, in words."""
    if check["kind"] == "egress-address":
        return " or ".join(check["expected"])
    return "no connection" if check["kind"] == "refused" else "an answer"


def summary(results: list[Result]) -> str:
    """One line for people: every failing check with what was expected and seen."""
    failed = [result for result in results if not result.ok]
    if not failed:
        return f"all {len(results)} checks passed"
    parts = [
        f"{each.name} ({each.target}): expected {each.expected}, saw {each.seen}" for each in failed
    ]
    return f"{len(failed)} of {len(results)} checks failed: {'; '.join(parts)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
