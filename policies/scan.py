"""The rules over manifest files: ``python -m policies scan PATH...``, without Pulumi."""

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from .errors import PoliciesError
from .exceptions import DEFAULT_FILE, Enforcer, Exceptions, load_exceptions
from .formats import FORMATS
from .manifests import STANDARD_INPUT
from .result import FOUND, UNREADABLE, Problem, printable
from .scanner import Scanner


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 clean, 1 violations found, 2 something was not judged."""
    options = _parser().parse_args(arguments)
    try:
        exceptions = load_exceptions(Enforcer.SCAN, options.exceptions)
    except PoliciesError as error:
        sys.stderr.write(f"{printable(str(error))}\n")
        return UNREADABLE
    try:
        scanner = Scanner(exceptions, accepts_unjudged=options.accept_not_evaluated)
        return _run(options, scanner, exceptions)
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FOUND


def _run(options: argparse.Namespace, scanner: Scanner, exceptions: Exceptions) -> int:
    form = FORMATS[options.format](sys.stdout, sys.stderr)
    whole = options.whole or any(map(os.path.isdir, options.paths))
    found = chain.from_iterable(scanner.scan(path) for path in options.paths)
    for each in chain(
        found, scanner.cross_resource(whole=whole or STANDARD_INPUT in options.paths)
    ):
        if isinstance(each, Problem):
            form.problem(each)
        else:
            form.result(each)
    # Only of all there is can it be said that nothing needs an exception.
    for line in (*exceptions.expired(), *(exceptions.unmatched() if whole else ())):
        scanner.tally.problems += 1
        form.problem(Problem(str(options.exceptions), 1, 1, line))
    form.end(scanner.tally)
    return scanner.tally.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="oceanid-scan",
        description="Judge manifests by the rules of docs/policies.md.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a YAML or JSON file, a folder, or - for stdin"
    )
    parser.add_argument(
        "--whole", action="store_true", help="the files are all there are, as a folder's would be"
    )
    parser.add_argument(
        "--accept-not-evaluated",
        action="store_true",
        help="show what the rules do not see, such as charts, without failing for it",
    )
    parser.add_argument("--format", choices=sorted(FORMATS), default="text", help="default: text")
    parser.add_argument(
        "--exceptions", type=Path, metavar="FILE", default=DEFAULT_FILE, help="dated exceptions"
    )
    return parser
