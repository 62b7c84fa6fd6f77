"""The form SARIF 2.1.0 of a scan: plain data, with URI references as RFC 3986 has them."""

import os
from collections.abc import Sequence

from .result import Problem, Result, message_of, printable
from .rules._model import Enforcement, Rule, Severity

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# GitHub's reading of SARIF: its properties object of a rule.
_SECURITY_SEVERITY = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
}


def sarif_document(results: Sequence[Result], problems: Sequence[Problem]) -> dict[str, object]:
    """The log of one scan; that a file was passed over makes no scan fail."""
    rules = {result.rule.name: result.rule for result in results}
    run = {
        "tool": {
            "driver": {
                "name": "oceanid-scan",
                "rules": [_sarif_rule(rules[name]) for name in sorted(rules)],
            }
        },
        "invocations": [
            {
                "executionSuccessful": all(problem.passed_over for problem in problems),
                "toolExecutionNotifications": [
                    {
                        "level": "note" if problem.passed_over else "error",
                        "message": {"text": problem.message},
                        "locations": [_sarif_place(problem.file, problem.line, problem.column)],
                    }
                    for problem in problems
                ],
            }
        ],
        "results": [_sarif_result(result) for result in results],
    }
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _sarif_rule(rule: Rule) -> dict[str, object]:
    mandatory = rule.enforcement is Enforcement.MANDATORY
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.description},
        "help": {"text": f"Remedy: {rule.remedy}."},
        "helpUri": rule.url,
        "defaultConfiguration": {"level": "error" if mandatory else "warning"},
        "properties": {
            "tags": ["security", *rule.tags],  # GitHub's, without which it hides the severity
            "security-severity": _SECURITY_SEVERITY[rule.severity],
        },
    }


def _sarif_result(result: Result) -> dict[str, object]:
    suppressed = (
        {"suppressions": [{"kind": "external", "justification": result.excepted}]}
        if result.excepted is not None
        else {}
    )
    return {
        "ruleId": result.rule.name,
        "level": "error" if result.rule.enforcement is Enforcement.MANDATORY else "warning",
        "message": {"text": message_of(result)},
        "locations": [_sarif_place(result.file, result.line, result.column)],
        "partialFingerprints": {"oceanid/v1": printable("|".join(result.fingerprint))},
        **suppressed,
    }


def _sarif_place(file: str, line: int, column: int) -> dict[str, object]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(file)},
            "region": {"startLine": line, "startColumn": column},
        }
    }


# What RFC 3986 lets stand as it is in a path, the colon left out: before the first slash it would
# end a scheme.
_URI_CHARACTERS = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=@/"
)


def _uri(file: str) -> str:
    """A reference to the file: relative, or of the scheme file where the path is absolute.

    urllib would take as long to load as a small scan.
    """
    path = "".join(
        chr(byte) if byte in _URI_CHARACTERS else f"%{byte:02X}"
        for byte in os.fsencode(file.replace(os.sep, "/"))
    )
    return f"file://{path}" if path.startswith("/") else path
