"""The forms in which a scan is written: for people, for programs, for the services of a forge."""

import json
from html import escape
from typing import Protocol, TextIO

from policies.result import Problem, Result, Tally, message_of, printable
from policies.sarif import sarif_document

PASSED_OVER = "passed over"


class Format(Protocol):
    """Takes results and problems as they come, and the figures at the end."""

    def result(self, result: Result) -> None:
        """Take one result."""

    def problem(self, problem: Problem) -> None:
        """Take one problem."""

    def end(self, tally: Tally) -> None:
        """Write what is left to write."""


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


class GitHub:
    """Annotations of GitHub Actions.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out, self._err = out, err

    def result(self, result: Result) -> None:
        """Write it at once."""
        level = "error" if result.blocks else "notice" if result.mark == "excepted" else "warning"
        place = f"line={result.line},col={result.column}"
        self._write(level, result.file, place, result.rule.name, message_of(result))

    def problem(self, problem: Problem) -> None:
        """Write it at once."""
        place = f"line={problem.line},col={problem.column}"
        level, title = ("notice", PASSED_OVER) if problem.passed_over else ("error", "not judged")
        self._write(level, problem.file, place, title, problem.message)

    def end(self, tally: Tally) -> None:
        """Write the figures."""
        self._err.write(f"{tally}\n")

    def _write(self, level: str, file: str, place: str, title: str, message: str) -> None:
        name = _escaped(printable(file)).replace(",", "%2C").replace(":", "%3A")
        text = _escaped(printable(message))
        self._out.write(f"::{level} file={name},{place},title={title}::{text}\n")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


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


class Junit(_Collected):
    """JUnit's XML: a test case a finding, for what reads no other form."""

    def end(self, tally: Tally) -> None:
        """Write it."""
        failures = sum(result.blocks for result in self._results)
        count = len(self._results) + len(self._problems) + len(self._passed_over)
        self._out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        self._out.write(
            f'<testsuite name="oceanid-scan" tests="{count}" failures="{failures}" '
            f'errors="{len(self._problems)}" skipped="{len(self._passed_over)}">\n'
        )
        for result in self._results:
            place = f"{result.file}:{result.line}:{result.column}"
            opening = f"  <testcase classname={_quoted(result.rule.name)} name={_quoted(place)}>"
            text = message_of(result)
            body = (
                f"<failure message={_quoted(text)}/>"
                if result.blocks
                else f"<system-out>{escape(_printable(text))}</system-out>"
            )
            self._out.write(f"{opening}{body}</testcase>\n")
        for problem in (*self._problems, *self._passed_over):
            place = f"{problem.file}:{problem.line}:{problem.column}"
            title, tag = ("not judged", "error")
            if problem.passed_over:
                title, tag = PASSED_OVER, "skipped"
            self._out.write(
                f'  <testcase classname="{title}" name={_quoted(place)}>'
                f"<{tag} message={_quoted(problem.message)}/></testcase>\n"
            )
        self._out.write("</testsuite>\n")
        self._err.write(f"{tally}\n")


def _quoted(text: str) -> str:
    """An attribute's value. `html`'s escapes are XML's; xml.sax would load urllib for its own."""
    escaped = escape(_printable(text)).replace("\n", "&#10;").replace("\t", "&#9;")
    return f'"{escaped}"'


def _printable(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return "".join(each if each.isprintable() or each in "\t\n" else "\ufffd" for each in text)


FORMATS: dict[str, type[Text | GitHub | Json | Sarif | Junit]] = {
    "text": Text,
    "github": GitHub,
    "json": Json,
    "sarif": Sarif,
    "junit": Junit,
}
