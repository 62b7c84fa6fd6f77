"""The rules over manifest files: ``python -m policies scan PATH...``, without Pulumi."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import cast

from policies.baseline import BaselineError, Fingerprint, read_baseline, write_baseline
from policies.exceptions import (
    DEFAULT_FILE,
    Enforcer,
    Exceptions,
    ExceptionsError,
    load_exceptions,
)
from policies.formats import FORMATS
from policies.manifests import (
    STANDARD_INPUT,
    ChartTemplateError,
    Source,
    UnreadableError,
    documents,
    sources,
)
from policies.position import Positions
from policies.result import FOUND, UNREADABLE, Problem, Result, Tally, shown
from policies.rules import all_rules, every_rule, joint_rules
from policies.rules._joint import Fact
from policies.rules._model import Finding, Rule, Verdict, judge
from policies.rules._subject import Subject, subjects_of_manifest

_CHART = "not evaluated: a chart's template is no manifest before Helm has rendered it"


class Scanner:
    """Judges sources by every rule; keeps the figures."""

    def __init__(self, exceptions: Exceptions, known: frozenset[Fingerprint] = frozenset()) -> None:
        self.tally = Tally()
        self._exceptions = exceptions
        self._known = known
        self._rules = all_rules()
        self._joint = joint_rules()
        self._facts: dict[str, list[Fact]] = {}

    def scan(self, path: str) -> Iterator[Result | Problem]:
        """What is found in a file, in the files of a folder, or for ``-`` on standard input."""
        for source in sources(path):
            if isinstance(source, UnreadableError):
                yield self._problem(source)
                continue
            self.tally.files += 1
            try:
                yield from self._scan_source(source)
            except ChartTemplateError as error:
                yield self._unrendered(error)
            except UnreadableError as error:
                yield self._problem(error)

    def _scan_source(self, source: Source) -> Iterator[Result]:
        positions: Positions | None = None
        for number, document in enumerate(documents(source)):
            self.tally.documents += 1
            for subject in subjects_of_manifest(document, source.kind):
                fired: set[str] = set()
                for rule in self._rules:
                    for finding in judge(rule, subject).findings:
                        positions = positions or Positions(source)
                        place = positions.of(number, finding.where)
                        if finding.verdict is Verdict.FIRES:
                            fired.add(rule.name)
                        yield self._result(
                            source.name, number, place, subject.identity, rule, finding
                        )
                self._note(subject, frozenset(fired), (source, number))

    def _note(self, subject: Subject, fired: frozenset[str], origin: object) -> None:
        for rule in self._joint:
            facts = self._facts.setdefault(rule.name, [])
            facts.extend(fact.noted_at(origin) for fact in rule.noted(subject, fired))

    def joined(self, *, whole: bool) -> Iterator[Result]:
        """What rules over several resources find, after everything was scanned.

        `whole` when all there is was scanned, and not single files of it.
        """
        positions: Positions | None = None
        for rule in self._joint:
            if rule.needs_all and not whole:
                continue
            for fact, finding in rule.joined(self._facts.get(rule.name, ())):
                source, number = cast("tuple[Source, int]", fact.origin)
                if positions is None or positions.source is not source:
                    positions = Positions(source)
                place = positions.of(number, finding.where)
                yield self._result(source.name, number, place, fact.identity, rule, finding)

    def _result(
        self,
        file: str,
        number: int,
        place: tuple[int, int],
        identity: str,
        rule: Rule,
        finding: Finding,
    ) -> Result:
        excepted = self._exceptions.covering(rule.name, identity)
        result = Result(file, number + 1, *place, shown(identity), rule, finding, excepted)
        return self._counted(result)

    def _unrendered(self, error: ChartTemplateError) -> Result:
        rule = next(rule for rule in self._rules if rule.name == "not-evaluated")
        finding = Finding.fires((), _CHART)
        excepted = self._exceptions.covering(rule.name, f"template {error.file}")
        return self._counted(
            Result(error.file, 1, 1, 1, f"template {error.file}", rule, finding, excepted)
        )

    def _counted(self, result: Result) -> Result:
        if result.fingerprint in self._known:
            result = replace(result, known=True)
        self.tally.count(result)
        return result

    def _problem(self, error: UnreadableError) -> Problem:
        self.tally.problems += 1
        return Problem(error.file, error.line, error.column, str(error))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 clean, 1 violations found, 2 something was not judged."""
    options = _parser().parse_args(arguments)
    try:
        names = [rule.name for rule in every_rule()]
        exceptions = load_exceptions(options.exceptions, names, Enforcer.SCAN)
        known = read_baseline(options.baseline) if options.baseline else frozenset()
    except (ExceptionsError, BaselineError) as error:
        sys.stderr.write(f"{error}\n")
        return UNREADABLE
    try:
        return _run(options, Scanner(exceptions, known), exceptions)
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FOUND


def _run(options: argparse.Namespace, scanner: Scanner, exceptions: Exceptions) -> int:
    form = FORMATS[options.format](sys.stdout, sys.stderr)
    blocking: list[Result] = []
    whole = options.whole or any(map(os.path.isdir, options.paths))
    found = chain.from_iterable(scanner.scan(path) for path in options.paths)
    for each in chain(found, scanner.joined(whole=whole or STANDARD_INPUT in options.paths)):
        if isinstance(each, Problem):
            form.problem(each)
            continue
        form.result(each)
        if options.write_baseline and each.blocks:
            blocking.append(each)
    # Only of all there is can it be said that nothing needs an exception.
    for line in (*exceptions.expired(), *(exceptions.unmatched() if whole else ())):
        scanner.tally.problems += 1
        form.problem(Problem(str(options.exceptions), 1, 1, line))
    form.end(scanner.tally)
    if options.write_baseline:
        write_baseline(options.write_baseline, blocking)
    return scanner.tally.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="oceanid-scan", description="Judge manifests by the rules of docs/policies.md."
    )
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a YAML or JSON file, a folder, or - for stdin"
    )
    parser.add_argument(
        "--whole", action="store_true", help="the files are all there are, as a folder's would be"
    )
    parser.add_argument("--format", choices=sorted(FORMATS), default="text", help="default: text")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="findings to put up with")
    parser.add_argument(
        "--write-baseline", type=Path, metavar="FILE", help="write today's findings as a baseline"
    )
    parser.add_argument(
        "--exceptions", type=Path, metavar="FILE", default=DEFAULT_FILE, help="dated exceptions"
    )
    return parser
