"""The forms in which a scan is written: for people, and for a pull request."""

import json
from typing import TextIO

from .result import Problem, Result, Tally, message_of, printable
from .sarif import sarif_document


class Text:
    """A line a finding, to read; problems and figures on standard error."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out, self._err = out, err

    def result(self, result: Result) -> None:
        place = f"{result.file}:{result.line}:{result.column}"
        severity = f"[{result.mark}] [severity: {result.rule.severity.value}]"
        self._out.write(f"{printable(f'{place}: {severity} {message_of(result)}')}\n")

    def problem(self, problem: Problem) -> None:
        place = f"{problem.file}:{problem.line}:{problem.column}"
        self._err.write(f"{printable(f'{place}: {problem.message}')}\n")

    def end(self, tally: Tally) -> None:
        self._err.write(f"{tally}\n")


class Sarif:
    """SARIF 2.1.0, for the services that show findings in a pull request."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out, self._err = out, err
        self._results: list[Result] = []
        self._problems: list[Problem] = []

    def result(self, result: Result) -> None:
        """Keep it: the document can only be written when all is known."""
        self._results.append(result)

    def problem(self, problem: Problem) -> None:
        self._problems.append(problem)

    def end(self, tally: Tally) -> None:
        document = sarif_document(self._results, self._problems)
        self._out.write(f"{json.dumps(document, indent=2)}\n")
        self._err.write(f"{tally}\n")


FORMATS: dict[str, type[Text | Sarif]] = {"text": Text, "sarif": Sarif}
