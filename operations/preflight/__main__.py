"""`operations.preflight --settings FILE [--json]`: is the fleet fit for an update?

Credentials come from the environment, as the stack's providers take them: KUBECONFIG, TAILSCALE_…,
CRUNCHY_API_KEY. Exit code 0 when no check failed, 1 when one did, 2 without a response. What a
failure means is for the caller: `preflight.onFailure` of the settings says it for an update.
"""

import argparse
import json
import sys
import textwrap
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from operations.errors import OperationError
from operations.preflight.finding import PreflightFinding, Verdict
from operations.preflight.run import Outcome, run
from settings import Settings, parse

_WIDTH = 100
_WORST_FIRST = (Verdict.FAIL, Verdict.WARN, Verdict.NOTE, Verdict.OK)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m operations.preflight", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--settings", required=True, help="a JSON file, - for standard input")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    try:
        settings = _settings(options.settings)
    except (OSError, ValueError) as error:
        print(f"preflight: the settings cannot be read: {error}", file=sys.stderr)
        return OperationError.exit_code
    return show(settings, as_json=options.json)


def show(settings: Settings, *, as_json: bool) -> int:
    """Run every check once and print what it found; the exit code."""
    began = time.monotonic()
    outcome = run(settings, datetime.now(UTC).date())
    if as_json:
        document = asdict(outcome)
        document["results"] = document.pop("findings")
        document["apiServers"] = document.pop("api_servers")
        print(json.dumps(document))
    else:
        print(text(outcome, seconds=time.monotonic() - began))
    return outcome.exit_code


def text(outcome: Outcome, *, seconds: float) -> str:
    """The results for people, the worst first, and the figures last."""
    lines = [
        line
        for verdict in _WORST_FIRST
        for finding in outcome.of(verdict)
        for line in _lines(finding)
    ]
    counts = (f"{len(outcome.of(verdict))} {verdict.value}" for verdict in _WORST_FIRST)
    return "\n".join([*lines, f"preflight: {', '.join(counts)}; {seconds:.1f} s"])


def _lines(finding: PreflightFinding) -> list[str]:
    margin = " " * 6
    first = f"{finding.verdict.value:6}{finding.check}: {finding.where}: {finding.what}"
    lines = textwrap.wrap(first, _WIDTH, subsequent_indent=margin, break_long_words=False)
    if finding.remedy:
        lines += textwrap.wrap(
            f"{margin}-> {finding.remedy}",
            _WIDTH,
            subsequent_indent=f"{margin}   ",
            break_long_words=False,
        )
    return lines


def _settings(file: str) -> Settings:
    document = json.loads(sys.stdin.read() if file == "-" else Path(file).read_text())
    if not isinstance(document, dict):
        raise ValueError("they are not a JSON object")  # noqa: TRY004  as for every wrong setting
    return parse({k: v if isinstance(v, str) else json.dumps(v) for k, v in document.items()})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
