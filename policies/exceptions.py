"""Dated exceptions: which finding of which rule on which resource is put up with, and until when.

The file is a YAML list of ``{rule, resource, reason, expires, enforcers}``. `resource` is written
as the findings show it (``DaemonSet monitoring/agent``); `enforcers` names who will meet it
(``preview``, ``scan``, ``cluster``), so that one that matches nothing there can be told; `stacks`,
which may be left out, names the stacks in whose previews it is met. Manifests and the policies in
the cluster know of no stack: a scan and the cluster take an exception whatever its stacks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

import yaml

from .errors import PoliciesError
from .rules import every_rule

DEFAULT_FILE = Path(__file__).resolve().parent / "exceptions.yaml"
_FIELDS = frozenset({"rule", "resource", "reason", "expires", "enforcers"})
_STACKS = "stacks"


class Enforcer(StrEnum):
    PREVIEW = "preview"
    SCAN = "scan"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class DatedException:
    """One exception; it holds through the day `expires`, in previews of `stacks`, or of all."""

    rule: str
    resource: str
    reason: str
    expires: date
    enforcers: frozenset[Enforcer]
    stacks: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.rule} on {self.resource} until {self.expires}: {self.reason}"


@dataclass(slots=True)
class Exceptions:
    """The exceptions that one enforcer honours on the day `today`.

    `stack` is that of a preview, None until it is known: then none that is for some stacks holds.
    """

    entries: tuple[DatedException, ...] = ()
    enforcer: Enforcer = Enforcer.SCAN
    today: date = field(default_factory=date.today)
    stack: str | None = None
    _met: set[DatedException] = field(default_factory=set)

    def covering(self, rule: str, resource: str) -> str | None:
        """The reason and date for which a finding is put up with, or None."""
        for entry in self.entries:
            if (entry.rule, entry.resource) == (rule, resource) and self._meets(entry):
                self._met.add(entry)
                if entry.expires >= self.today:
                    return f"until {entry.expires}: {entry.reason}"
        return None

    def expired(self) -> list[str]:
        """A line for each exception of this enforcer that has run out."""
        return [
            f"the exception {entry} has expired; mend the resource and remove the exception"
            for entry in self.entries
            if self._meets(entry) and entry.expires < self.today
        ]

    def unmatched(self) -> list[str]:
        """A line for each one that nothing needed, after everything was judged."""
        return [
            f"the exception {entry} matches nothing; remove it"
            for entry in self.entries
            if self._meets(entry) and entry.expires >= self.today and entry not in self._met
        ]

    def _meets(self, entry: DatedException) -> bool:
        """Whether an exception is one for this enforcer, and for the stack of its preview."""
        elsewhere = entry.stacks and self.enforcer is Enforcer.PREVIEW
        return self.enforcer in entry.enforcers and not (
            elsewhere and self.stack not in entry.stacks
        )


def load_exceptions(
    enforcer: Enforcer, file: Path = DEFAULT_FILE, today: date | None = None
) -> Exceptions:
    """Those of the file, for one enforcer. Raises PoliciesError for any fault."""
    try:
        listed = yaml.safe_load(file.read_bytes())
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise PoliciesError(f"{file.name}: cannot be read ({type(error).__name__})") from None
    if listed is not None and not isinstance(listed, list):
        raise PoliciesError(f"{file.name}: must be a list of exceptions")
    names = frozenset(rule.name for rule in every_rule())
    entries = tuple(
        _entry(f"{file.name}: entry {number}", raw, names, file)
        for number, raw in enumerate(listed or (), start=1)
    )
    for number, entry in enumerate(entries):
        if any(
            (entry.rule, entry.resource) == (one.rule, one.resource) for one in entries[:number]
        ):
            raise PoliciesError(f"{file.name}: entry {number + 1}: stands twice; keep one")
    return Exceptions(entries, enforcer, today or date.today())  # noqa: DTZ011 - a day as people count it


def _entry(where: str, raw: object, rules: frozenset[str], file: Path) -> DatedException:
    if not isinstance(raw, Mapping) or set(raw) - {_STACKS} != _FIELDS:
        raise PoliciesError(
            f"{where}: must have exactly the fields {', '.join(sorted(_FIELDS))}, and may have "
            f"{_STACKS}"
        )
    rule, resource, reason, expires = (
        raw[key] for key in ("rule", "resource", "reason", "expires")
    )
    if rule not in rules:
        raise PoliciesError(f"{where}: there is no such rule; take a name from docs/policies.md")
    if not isinstance(resource, str) or len(resource.split()) < 2 or "*" in resource:  # noqa: PLR2004
        raise PoliciesError(f"{where}: resource must be exact, such as DaemonSet monitoring/agent")
    if not isinstance(reason, str) or not reason.strip() or "\n" in reason.strip():
        raise PoliciesError(f"{where}: reason must be one line that says why")
    if type(expires) is not date:  # a time of day would not compare
        raise PoliciesError(f"{where}: expires must be a date such as 2026-01-31")
    try:
        enforcers = frozenset(map(Enforcer, raw["enforcers"]))
    except (TypeError, ValueError):
        enforcers = frozenset()
    if not enforcers:
        known = ", ".join(Enforcer)
        raise PoliciesError(f"{where}: enforcers must be a list of some of {known}")
    named = _named_stacks(where, raw[_STACKS], file) if _STACKS in raw else frozenset()
    if named and Enforcer.PREVIEW not in enforcers:
        raise PoliciesError(
            f"{where}: {_STACKS} is for previews only; remove it, or add preview to enforcers"
        )
    return DatedException(rule, resource, reason.strip(), expires, enforcers, named)


def _named_stacks(where: str, raw: object, file: Path) -> frozenset[str]:
    """The stacks of an entry: such as have settings beside the file's folder, if any have."""
    settings = file.resolve().parent.parent.glob("Pulumi.*.yaml")
    known = frozenset(each.name.split(".")[1] for each in settings)
    listed = raw if isinstance(raw, list) else []
    named = frozenset(each for each in listed if isinstance(each, str))
    if not named or len(named) != len(listed) or (known and named - known):
        choice = ", ".join(sorted(known)) or "the stacks"
        raise PoliciesError(f"{where}: {_STACKS} must be a list of some of {choice}")
    return named
