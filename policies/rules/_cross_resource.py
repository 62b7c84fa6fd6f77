"""Rules over several resources: observations are collected from each, then evaluated together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ._field import value_at
from ._model import UNKNOWN, Finding, Path, Rule, failure
from ._subject import Subject


@dataclass(frozen=True, slots=True)
class Observation:
    """What one subject shows for a cross-resource rule.

    `value` is what the rule itself makes of what it is `about`; `origin` is for the enforcer's own
    use.
    """

    identity: str
    namespace: object
    about: str
    value: Any
    finding: Finding
    origin: object = None

    def with_origin(self, origin: object) -> "Observation":
        """The same with an origin. `dataclasses.replace` takes three times as long."""
        return Observation(
            self.identity, self.namespace, self.about, self.value, self.finding, origin
        )


@dataclass(frozen=True, kw_only=True)
class CrossResourceRule(Rule):
    """One property that resources must have together.

    `collect` takes a subject and the names of the rules that fired on it and gives observations,
    which are small, so that a scan of any size can keep them. `evaluate` gives the observations
    that break the rule, each with its finding. `needs_all` when a missing resource breaks the
    rule, so that it can only be judged where every resource is known. `check` finds nothing.
    Enforcers call `observe` and `findings`, which never raise.
    """

    collect: Callable[[Subject, frozenset[str]], Iterable[Observation]]
    evaluate: Callable[[Sequence[Observation]], Iterable[tuple[Observation, Finding]]]
    needs_all: bool = False
    check: Callable[[Subject], Iterable[Finding]] = lambda _subject: ()

    def observe(self, subject: Subject, fired: frozenset[str]) -> tuple[Observation, ...]:
        """The observations of one subject; a rule that fails gives one about `_FAILED`."""
        try:
            return tuple(self.collect(subject, fired))
        except Exception as error:  # noqa: BLE001 - a rule that raises must not pass in silence
            finding = failure(error, subject.where)
            return (Observation(subject.identity, None, _FAILED, None, finding),)

    def findings(
        self, observations: Sequence[Observation]
    ) -> tuple[tuple[Observation, Finding], ...]:
        """The observations that break the rule, and those of the rule's own failures."""
        failed = tuple((each, each.finding) for each in observations if each.about == _FAILED)
        sound = [each for each in observations if each.about != _FAILED]
        try:
            return (*failed, *self.evaluate(sound))
        except Exception as error:  # noqa: BLE001 - as above; reported at the first observation
            return (*failed, (sound[0], failure(error, sound[0].finding.where)))


_FAILED = "failed"


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
