"""What a scan gives: results, and problems with what could not be scanned."""

from dataclasses import dataclass

from policies.rules._model import Enforcement, Finding, Rule
from policies.rules.plain_text_keys import key_in

CLEAN, FOUND, UNREADABLE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Result:
    """One finding of one rule in a file.

    `line` and `column` count from 1, `document` too. `excepted` is why a dated exception covers
    it; `known` says that the baseline has it. Neither of the two makes a scan fail.
    """

    file: str
    document: int
    line: int
    column: int
    resource: str
    rule: Rule
    finding: Finding
    excepted: str | None = None
    known: bool = False

    @property
    def blocks(self) -> bool:
        """Whether the scan fails for it."""
        mandatory = self.rule.enforcement is Enforcement.MANDATORY
        return mandatory and self.excepted is None and not self.known

    @property
    def mark(self) -> str:
        """In one word or two, what the result does."""
        if self.excepted is not None:
            return "excepted"
        return "in the baseline" if self.known else self.rule.enforcement.value

    @property
    def fingerprint(self) -> tuple[str, str, str, str]:
        """What stays the same when lines move: file, rule, resource, field."""
        return (self.file, self.rule.name, self.resource, self.finding.path)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that was not judged, or an exception that is no longer good."""

    file: str
    line: int
    column: int
    message: str


def shown(identity: str) -> str:
    """Which resource it is, on one line; a document can have a key for a name."""
    return "a resource whose name is a key" if key_in(identity) else " ".join(identity.split())


@dataclass(slots=True)
class Tally:
    """The figures of a scan."""

    files: int = 0
    documents: int = 0
    violations: int = 0
    advisories: int = 0
    excepted: int = 0
    problems: int = 0

    def count(self, result: Result) -> None:
        """Add one result."""
        if result.blocks:
            self.violations += 1
        elif result.excepted is None and not result.known:
            self.advisories += 1
        else:
            self.excepted += 1

    @property
    def exit_code(self) -> int:
        """0 when all was judged and is clean, 1 for violations, 2 when something was not judged."""
        if self.problems:
            return UNREADABLE
        return FOUND if self.violations else CLEAN

    def __str__(self) -> str:
        return (
            f"{self.files} files, {self.documents} documents: {self.violations} violations, "
            f"{self.advisories} advisories, {self.excepted} excepted, {self.problems} problems"
        )
