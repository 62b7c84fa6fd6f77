"""`python -m preflight (--stack NAME | --settings FILE) [--json]`: is the fleet fit for an update?

Credentials come from the environment, as the stack's providers take them: KUBECONFIG, TAILSCALE_…,
CRUNCHY_API_KEY. Exit code 0 when no check failed, 1 when one did, 2 without an answer. What a
failure means is for the caller: `preflight.onFailure` of the settings says it for an update.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from preflight.result import Result, Verdict
from preflight.run import Outcome, run
from settings import Settings, parse, read_file

_REPOSITORY = Path(__file__).resolve().parent.parent
_UNANSWERED = 2
_WIDTH = 100
_WORST_FIRST = (Verdict.FAIL, Verdict.WARN, Verdict.NOTE, Verdict.OK)


def main(arguments: list[str]) -> int:
    """Run every check once and print what it found."""
    parser = argparse.ArgumentParser(
        prog="python -m preflight", description=__doc__, allow_abbrev=False
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--stack", help="whose Pulumi.<stack>.yaml has the settings")
    source.add_argument("--settings", help="a JSON file of settings, - for standard input")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    try:
        settings = _settings(options)
    except (OSError, ValueError) as error:
        print(f"preflight: the settings cannot be read: {error}", file=sys.stderr)
        return _UNANSWERED
    began = time.monotonic()
    outcome = run(settings, datetime.now(UTC).date())
    if options.json:
        results = [asdict(each) for each in outcome.results]
        told = {
            "answered": outcome.answered,
            "groups": outcome.groups,
            "unnamed": outcome.unnamed,
            "unfit": dict(outcome.unfit),
            "apiServers": outcome.api_servers,
            "uids": dict(outcome.uids),
        }
        print(json.dumps(told | {"results": results}))
    else:
        print(text(outcome, seconds=time.monotonic() - began))
    return outcome.exit_code


def text(outcome: Outcome, *, seconds: float) -> str:
    """The results for people, the worst first, and the figures last."""
    lines = [
        line
        for verdict in _WORST_FIRST
        for result in outcome.of(verdict)
        for line in _lines(result)
    ]
    counts = (f"{len(outcome.of(each))} {each.value}" for each in _WORST_FIRST)
    return "\n".join([*lines, f"preflight: {', '.join(counts)}; {seconds:.1f} s"])


def _lines(result: Result) -> list[str]:
    margin = " " * 6
    first = f"{result.verdict.value:6}{result.check}: {result.where}: {result.what}"
    lines = textwrap.wrap(first, _WIDTH, subsequent_indent=margin, break_long_words=False)
    if result.remedy:
        lines += textwrap.wrap(
            f"{margin}-> {result.remedy}",
            _WIDTH,
            subsequent_indent=f"{margin}   ",
            break_long_words=False,
        )
    return lines


def _settings(options: argparse.Namespace) -> Settings:
    if options.stack is not None:
        return read_file(_REPOSITORY / f"Pulumi.{options.stack}.yaml")
    raw = sys.stdin.read() if options.settings == "-" else Path(options.settings).read_text()
    document = json.loads(raw)
    if not isinstance(document, dict):
        raise ValueError("they are no JSON object")  # noqa: TRY004  as for every wrong setting
    return parse({k: v if isinstance(v, str) else json.dumps(v) for k, v in document.items()})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
