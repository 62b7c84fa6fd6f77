"""What a rule is, what it finds, and how its answer is counted."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final, final

from ._keys import key_in

if TYPE_CHECKING:
    from ._subject import Subject

Path = tuple[str | int, ...]
"""Where a value stands in a document: map keys and list positions, from the root."""


@final
class Unknown:
    """The type of `UNKNOWN`. It has no truth value, so that a rule cannot mistake it for one."""

    def __bool__(self) -> bool:
        raise TypeError("an unknown value is neither true nor false: test `is UNKNOWN` first")

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
"""Stands for a value that a preview does not know yet (the output of a resource to be made)."""


class Severity(StrEnum):
    """How bad a violation is; the values are Pulumi's."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Enforcement(StrEnum):
    """What a violation does to a preview or a scan; the values are Pulumi's."""

    ADVISORY = "advisory"
    MANDATORY = "mandatory"


class Verdict(Enum):
    """What one finding says. A rule without findings passes."""

    FIRES = "fires"
    CANNOT_BE_JUDGED = "cannot be judged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule fires, or cannot tell.

    `message` says what is wrong in one line and never holds a value from the document.
    """

    verdict: Verdict
    where: Path
    message: str

    @classmethod
    def fires(cls, where: Path, message: str) -> "Finding":
        """The value at `where` breaks the rule."""
        return cls(Verdict.FIRES, where, message)

    @classmethod
    def unjudged(
        cls, where: Path, mend: str = "use a plain value here, not an Output"
    ) -> "Finding":
        """The rule needs the value at `where`, which is not known; `mend` says what to do."""
        text = f"cannot be judged in preview, because the value is not known yet; {mend}"
        return cls(Verdict.CANNOT_BE_JUDGED, where, text)

    @classmethod
    def unseen(cls, where: Path, what: str) -> "Finding":
        """The rule needs another resource, which is not in sight; `what` says which, and why."""
        return cls(Verdict.CANNOT_BE_JUDGED, where, f"cannot be judged: {what}")

    @property
    def path(self) -> str:
        """`where` as people write it, such as ``spec.template.spec.hostNetwork``."""
        return render_path(self.where)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One property that every subject must have.

    `check` takes one subject and yields its findings; it must yield one for every unknown value
    that it would have needed. `source` says why the rule exists. `limitations` says what the rule
    does not see, in whole sentences, for the documentation. `cel_expression`, where given, is the
    same property for the API server: an expression that is true when it holds, over ``object`` and
    the variables of `policies/admission.py` (``variables.pod``, ``.containers``, ``.images``,
    ``.texts``).
    `cel_differs_because`, where given, says where that expression differs from `check`, and why.
    """

    name: str
    severity: Severity
    description: str
    remedy: str
    source: str
    url: str
    limitations: str
    check: Callable[["Subject"], Iterable[Finding]]
    enforcement: Enforcement = Enforcement.MANDATORY
    tags: tuple[str, ...] = ()
    cel_expression: str | None = None
    cel_differs_because: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for a name or a text that the enforcers could not show."""
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", self.name) or self.name == "all":
            raise ValueError(f"rule {self.name!r}: a name is lower-case words joined by hyphens")
        for field in ("description", "remedy", "source", "url", "limitations"):
            text = getattr(self, field)
            if not text or "\n" in text:
                raise ValueError(f"rule {self.name}: {field} must be one line of text")

    @property
    def enforcers(self) -> tuple[str, ...]:
        """Where it is enforced, of preview, scan and cluster."""
        scan = () if "pulumi-only" in self.tags else ("scan",)
        return ("preview", *scan, *(("cluster",) if self.cel_expression is not None else ()))

    @cached_property
    def passes(self) -> "Judgement":
        """The answer without a finding."""
        return Judgement(self, ())

    def line(self, finding: Finding) -> str:
        """One line for people: the rule, the field, what is wrong and how to mend it."""
        where = finding.path or "the whole document"
        return f"{self.name}: {where}: {finding.message}. Remedy: {self.remedy}"


@dataclass(frozen=True, slots=True)
class Judgement:
    rule: Rule
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict | None:
        """The gravest verdict found, a violation before a doubt; None when the rule passes."""
        found = {finding.verdict for finding in self.findings}
        for verdict in (Verdict.FAILED, Verdict.FIRES, Verdict.CANNOT_BE_JUDGED):
            if verdict in found:
                return verdict
        return None


def judge(rule: Rule, subject: "Subject") -> Judgement:
    """Run one rule over one subject. It never raises: a rule that fails is a finding.

    The finding of a failed rule gives the type of the error and no more, because its text may hold
    values of the document.
    """
    try:
        found = tuple(rule.check(subject))
        # Nearly all pass: those answers are all alike.
        return Judgement(rule, found) if found else rule.passes
    except Exception as error:  # noqa: BLE001 - whatever a rule raises, it must not pass in silence
        return Judgement(rule, (failure(error, subject.where),))


def failure(error: Exception, where: Path) -> Finding:
    """The finding that a rule itself failed, without the error's text, which may hold values."""
    message = (
        f"the rule itself failed with {type(error).__name__}, so nothing was judged; "
        "this is a fault of the policy pack"
    )
    return Finding(Verdict.FAILED, where, message)


_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def render_path(path: Path) -> str:
    """``("spec", "containers", 0, "a.b/c")`` as ``spec.containers[0]["a.b/c"]``.

    A step that holds a key in plain text is ``...``: a path is shown wherever a finding is.
    """
    text = ""
    for part in path:
        step = "..." if isinstance(part, str) and key_in(part) else part
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step)}]"
    return text
