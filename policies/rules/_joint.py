"""Rules over several resources together: each gives a fact or two, and the facts are joined."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from policies.rules._model import Finding, Rule
from policies.rules._subject import Subject


@dataclass(frozen=True, slots=True)
class Fact:
    """What one subject says for one joint rule; `origin` is the enforcer's own note of where."""

    identity: str
    namespace: object
    about: str
    value: object
    finding: Finding
    origin: object = None


@dataclass(frozen=True, kw_only=True)
class JointRule(Rule):
    """One property that resources must have together.

    `note` takes a subject and the names of the rules that fired on it and gives facts, which are
    small, so that a scan of any size can keep them. `join` gives the facts that break the rule,
    each with its finding. `needs_all` when a missing resource breaks it, so that it can only be
    judged where everything is seen. `check` is not used.
    """

    note: Callable[[Subject, frozenset[str]], Iterable[Fact]]
    join: Callable[[Sequence[Fact]], Iterable[tuple[Fact, Finding]]]
    needs_all: bool = False


def nothing(_subject: Subject) -> tuple[Finding, ...]:
    """The check of a joint rule, which judges no subject by itself."""
    return ()
