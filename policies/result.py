"""What a scan gives: results, and problems with what could not be scanned."""

from dataclasses import dataclass

from .excepted_line import marked
from .rules._keys import key_in
from .rules._model import Enforcement, Finding, Rule

CLEAN, FOUND, UNREADABLE = 0, 1, 2
# The rule whose findings say that nothing was judged.
NOT_EVALUATED = "not-evaluated"


@dataclass(frozen=True, slots=True)
class Result:
    """One finding of one rule in a file.

    `line` and `column` count from 1. `excepted` is why a dated exception covers it: then it makes
    no scan fail.
    """

    file: str
    line: int
    column: int
    resource: str
    rule: Rule
    finding: Finding
    excepted: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether it is a violation that the scan fails for."""
        return self.rule.enforcement is Enforcement.MANDATORY and self.excepted is None

    @property
    def unjudged(self) -> bool:
        """Whether it says that something was not judged, which ends a scan with 2."""
        return self.rule.name == NOT_EVALUATED and self.excepted is None

    @property
    def mark(self) -> str:
        """In one word, what the result does."""
        return self.rule.enforcement.value if self.excepted is None else "excepted"

    @property
    def fingerprint(self) -> tuple[str, str, str, str]:
        """What stays the same when lines move: file, rule, resource, field."""
        return (self.file, self.rule.name, self.resource, self.finding.path)


def message_of(result: Result) -> str:
    """The finding in one line without its place in the file, and how to mend it."""
    return marked(f"{result.resource}: {result.rule.line(result.finding)}", result.excepted)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that was not judged, or an exception that is no longer good.

    `passed_over` for a file that is no manifest: it is reported, and no scan fails for it.
    """

    file: str
    line: int
    column: int
    message: str
    passed_over: bool = False


def shown(identity: str) -> str:
    """Which resource it is, on one line; a document can have a key for a name."""
    return "a resource whose name is a key" if key_in(identity) else printable(identity)


def printable(text: str) -> str:
    """The text on one line, with whatever would act on a terminal as an escape sequence."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


@dataclass(slots=True)
class Tally:
    """The figures of a scan; `accepts_unjudged` when what is not evaluated does not fail it."""

    accepts_unjudged: bool = False

    files: int = 0
    documents: int = 0
    violations: int = 0
    advisories: int = 0
    excepted: int = 0
    problems: int = 0
    passed_over: int = 0
    not_evaluated: int = 0

    def count(self, result: Result) -> None:
        if result.blocks:
            self.violations += 1
        elif result.excepted is None:
            self.advisories += 1
            self.not_evaluated += result.unjudged
        else:
            self.excepted += 1

    @property
    def exit_code(self) -> int:
        """0 when all was judged and is clean, 1 for violations, 2 when something was not judged."""
        if self.problems or (self.not_evaluated and not self.accepts_unjudged):
            return UNREADABLE
        return FOUND if self.violations else CLEAN

    def __str__(self) -> str:
        return (
            f"{self.files} files, {self.documents} documents: {self.violations} violations, "
            f"{self.advisories} advisories, {self.excepted} excepted, "
            f"{self.not_evaluated} not evaluated, {self.passed_over} passed over, "
            f"{self.problems} problems"
        )
