"""Rules over several resources together: each gives a fact or two, and the facts are joined."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from policies.rules._field import value_at
from policies.rules._model import UNKNOWN, Finding, Path, Rule, failure
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

    def noted_at(self, origin: object) -> "Fact":
        """The same, with the enforcer's note. `dataclasses.replace` takes three times as long."""
        return Fact(self.identity, self.namespace, self.about, self.value, self.finding, origin)


@dataclass(frozen=True, kw_only=True)
class JointRule(Rule):
    """One property that resources must have together.

    `note` takes a subject and the names of the rules that fired on it and gives facts, which are
    small, so that a scan of any size can keep them. `join` gives the facts that break the rule,
    each with its finding. `needs_all` when a missing resource breaks it, so that it can only be
    judged where everything is seen. `check` is not used. Enforcers call `noted` and `joined`.
    """

    note: Callable[[Subject, frozenset[str]], Iterable[Fact]]
    join: Callable[[Sequence[Fact]], Iterable[tuple[Fact, Finding]]]
    needs_all: bool = False

    def noted(self, subject: Subject, fired: frozenset[str]) -> tuple[Fact, ...]:
        """The facts of one subject. Never raises: that a rule fails is a fact about `_FAILED`."""
        try:
            return tuple(self.note(subject, fired))
        except Exception as error:  # noqa: BLE001 - whatever a rule raises, it must not pass in silence
            return (Fact(subject.identity, None, _FAILED, None, failure(error, subject.where)),)

    def joined(self, facts: Sequence[Fact]) -> tuple[tuple[Fact, Finding], ...]:
        """The facts that break the rule, and of the rule's own failures. Never raises."""
        failed = tuple((fact, fact.finding) for fact in facts if fact.about == _FAILED)
        sound = [fact for fact in facts if fact.about != _FAILED]
        try:
            return (*failed, *self.join(sound))
        except Exception as error:  # noqa: BLE001 - as above; it is said at the first of the facts
            return (*failed, (sound[0], failure(error, sound[0].finding.where)))


_FAILED = "failed"


def nothing(_subject: Subject) -> tuple[Finding, ...]:
    """The check of a joint rule, which judges no subject by itself."""
    return ()


def namespace_of(subject: Subject) -> tuple[Path, object]:
    """The place and the name of a subject's namespace: UNKNOWN, or ``default`` when unsaid."""
    where, name = value_at(subject.body, subject.where, "metadata", "namespace")
    if name is None or name == "":
        return where, "default"
    return where, name if isinstance(name, str) else UNKNOWN


def name_of(subject: Subject) -> object:
    """The name in a subject's metadata; UNKNOWN where there is none yet."""
    _, name = value_at(subject.body, subject.where, "metadata", "name")
    return name if isinstance(name, str) and name else UNKNOWN
