"""The forms in which a scan is written: for people, for programs, for a pull request."""

import json
from typing import TextIO

from .result import Problem, Result, Tally, message_of, printable
from .sarif import sarif_document


class Text:
    """A line a finding, to read; problems and figures on standard error."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out, self._err = out, err

    def result(self, result: Result) -> None:
        """Write it at once."""
        place = f"{result.file}:{result.line}:{result.column}"
        severity = f"[{result.mark}] [severity: {result.rule.severity.value}]"
        self._out.write(f"{printable(f'{place}: {severity} {message_of(result)}')}\n")

    def problem(self, problem: Problem) -> None:
        """Write it at once."""
        place = f"{problem.file}:{problem.line}:{problem.column}"
        self._err.write(f"{printable(f'{place}: {problem.message}')}\n")

    def end(self, tally: Tally) -> None:
        """Write the figures."""
        self._err.write(f"{tally}\n")


class _Collected:
    """The base of forms that can only be written when all is known."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out, self._err = out, err
        self._results: list[Result] = []
        self._problems: list[Problem] = []
        self._passed_over: list[Problem] = []

    def result(self, result: Result) -> None:
        """Keep it."""
        self._results.append(result)

    def problem(self, problem: Problem) -> None:
        """Keep it."""
        (self._passed_over if problem.passed_over else self._problems).append(problem)


class Json(_Collected):
    """One JSON object: ``results``, ``problems`` and the figures."""

    def end(self, tally: Tally) -> None:
        """Write it."""
        results = [
            {
                "file": result.file,
                "line": result.line,
                "column": result.column,
                "document": result.document,
                "resource": result.resource,
                "rule": result.rule.name,
                "severity": result.rule.severity.value,
                "enforcement": result.rule.enforcement.value,
                "verdict": result.finding.verdict.value,
                "path": result.finding.path,
                "message": result.finding.message,
                "remedy": result.rule.remedy,
                "url": result.rule.url,
                "blocks": result.blocks,
                "excepted": result.excepted,
                "inBaseline": result.known,
            }
            for result in self._results
        ]
        document = {
            "results": results,
            "problems": _json_problems(self._problems),
            "passedOver": _json_problems(self._passed_over),
            "files": tally.files,
            "documents": tally.documents,
            "violations": tally.violations,
            "notEvaluated": tally.not_evaluated,
        }
        self._out.write(f"{json.dumps(document, indent=2)}\n")


def _json_problems(problems: list[Problem]) -> list[dict[str, object]]:
    return [
        {
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "message": problem.message,
        }
        for problem in problems
    ]


class Sarif(_Collected):
    """SARIF 2.1.0, for the services that show findings in a pull request."""

    def end(self, tally: Tally) -> None:
        """Write it."""
        document = sarif_document(self._results, self._problems, self._passed_over)
        self._out.write(f"{json.dumps(document, indent=2)}\n")
        self._err.write(f"{tally}\n")


FORMATS: dict[str, type[Text | Json | Sarif]] = {"text": Text, "json": Json, "sarif": Sarif}
