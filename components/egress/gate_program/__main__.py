"""`python3 egress_check DOCUMENT NODE`: measures the egress path of that node and says what it saw.

One JSON line a check on standard output; one line for all in the pod's termination message; exit
code 0 when every check has passed, 1 when one has not or when this runs on another node than NODE,
which NODE_NAME tells, 2 for a document that is wrong.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from document import DocumentError, checked
from probes import PROBES, REFUSED, Check, UnexpectedError, describe

# What Kubernetes keeps of a termination message.
_LONGEST_SUMMARY_BYTES = 4096
_SECONDS_BETWEEN_ATTEMPTS = 1.0
_SECONDS_OF_GRACE = 1.0
_LONGEST_SEEN = 200


@dataclass(frozen=True)
class Result:
    """What one check expected and saw in its last attempt on a node, and how long that took."""

    node: str
    name: str
    ok: bool
    target: str
    expected: str
    seen: str
    milliseconds: int
    attempts: int


def main(arguments: list[str]) -> int:
    """Run the document's checks at the same time, each tried again until it is to be settled.

    The checks that want *no* connection come last: only where the network is seen to work does a
    connection that fails prove anything.
    """
    try:
        path, node = arguments
        document = checked(json.loads(Path(path).read_text()))
    except (DocumentError, ValueError, OSError) as error:
        leave(f"egress-check: the document is wrong: {one_line(str(error))}")
        return 2
    where = os.environ.get("NODE_NAME") or "a node that did not give its name"
    if where != node:
        leave(f"node {node}: not measured: its check ran on {one_line(where)}")
        return 1
    settled = time.monotonic() + document["settleSeconds"]
    direct = [each for each in document["checks"] if each["kind"] == REFUSED]
    others = [each for each in document["checks"] if each["kind"] != REFUSED]
    results = []
    with ThreadPoolExecutor(max_workers=len(document["checks"])) as pool:
        for phase in (others, direct):
            for result in pool.map(
                lambda each: run(node, each, document["attemptSeconds"], settled), phase
            ):
                print(json.dumps(asdict(result)), flush=True)
                results.append(result)
    leave(summary(node, results))
    return 0 if all(result.ok for result in results) else 1


def run(node: str, check: Check, seconds: float, settled: float) -> Result:
    """Try one check until it passes or the time to settle is over; the last attempt counts."""
    attempts = 0
    while True:
        attempts += 1
        began = time.monotonic()
        seen, ok = attempt(check, seconds)
        took = round((time.monotonic() - began) * 1000)
        if ok or time.monotonic() + _SECONDS_BETWEEN_ATTEMPTS > settled:
            what = (ok, target(check), expected(check), seen, took, attempts)
            return Result(node, check["name"], *what)
        time.sleep(_SECONDS_BETWEEN_ATTEMPTS)


def attempt(check: Check, seconds: float) -> tuple[str, bool]:
    """Measure once; what was seen, and whether that is right.

    A probe's own time limit is for each step of it. One that drips answers, or hangs in a resolver
    that no limit reaches, is given up here, and ends with the program.
    """
    outcome: list[tuple[str, bool]] = []

    def measure() -> None:
        try:
            outcome.append((one_line(PROBES[check["kind"]](check, seconds)), True))
        except UnexpectedError as failure:
            outcome.append((one_line(str(failure)), False))
        except Exception as error:  # noqa: BLE001  whatever the network gives is what was seen
            outcome.append((one_line(describe(error)), False))

    thread = threading.Thread(target=measure, daemon=True)
    thread.start()
    thread.join(seconds + _SECONDS_OF_GRACE)
    return outcome[0] if outcome else (f"no end after {seconds + _SECONDS_OF_GRACE:g} s", False)


def target(check: Check) -> str:
    """What a check asks: an address, a URL or a name."""
    return str(check.get("url") or check.get("address") or check.get("host"))


def expected(check: Check) -> str:
    """What a check wants to see, in words."""
    if check["kind"] == "egress-address":
        return " or ".join(check["expected"])
    return "no connection" if check["kind"] == REFUSED else "an answer"


def summary(node: str, results: list[Result]) -> str:
    """One line for people: the node, and what was measured or which checks have failed.

    At most 4096 bytes: where there are too many words, the details of failures are cut short and
    not their list; of what was measured the first checks, with the egress address, are kept.
    """
    failed = [result for result in results if not result.ok]
    if failed:
        verdict = f"{len(failed)} of {len(results)} checks failed"
        shown, say, lengths = failed, _failure, [_LONGEST_SEEN, 40, 0]
    else:
        verdict = f"all {len(results)} checks passed"
        shown, say, lengths = results, _measured, [_LONGEST_SEEN, 40]
    line = ""
    for words in lengths:
        line = f"node {node}: {verdict}: " + "; ".join(say(each, words) for each in shown)
        if len(line.encode()) <= _LONGEST_SUMMARY_BYTES:
            break
    return line.encode()[:_LONGEST_SUMMARY_BYTES].decode(errors="ignore")


def _measured(result: Result, words: int) -> str:
    """A check that passed: `egress-address saw 157.173.210.123 in 34 ms`."""
    return f"{result.name} saw {result.seen[:words]} in {result.milliseconds} ms"


def _failure(result: Result, words: int) -> str:
    if not words:
        return result.name
    seen = f"saw {result.seen[:words]} in {result.milliseconds} ms"
    return f"{result.name} ({result.target}): expected {result.expected}, {seen}"


def one_line(text: str) -> str:
    """The text without line ends or control characters, cut to what a report can hold."""
    plain = "".join(each if each.isprintable() else "?" for each in text)
    return plain if len(plain) <= _LONGEST_SEEN else f"{plain[:_LONGEST_SEEN]}..."


def leave(line: str) -> None:
    """Say it on standard error and as the pod's termination message, where there is one."""
    print(line, file=sys.stderr)
    message = Path(os.environ.get("TERMINATION_LOG", "/dev/termination-log"))
    if message.exists() or message.parent != Path("/dev"):
        try:
            message.write_text(line)
        except OSError as error:
            print(f"egress-check: no termination message: {describe(error)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
