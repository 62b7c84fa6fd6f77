"""Checks made from the judgement of one pod or one container: what is unknown is answered here."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from ._field import entries_of
from ._model import UNKNOWN, Finding, Path, Unknown
from ._subject import Body, Container, Pod, Subject

Check = Callable[[Subject], Iterable[Finding]]


def wrong(
    values: Iterable[tuple[Path, object]], is_wrong: Callable[[object], bool], message: str
) -> Iterator[Finding]:
    """A finding for each of these values that is wrong, or not known."""
    for where, value in values:
        if value is UNKNOWN:
            yield Finding.unjudged(where)
        elif is_wrong(value):
            yield Finding.fires(where, message)


def is_set(value: object) -> bool:
    """Whether a switch is on: a guard does not bet on how "true" in quotes will be read."""
    return value is not None and value is not False


def each_pod(judge: Callable[[Pod, Body], Iterable[Finding]]) -> Check:
    """A check that asks `judge` of every pod whose spec is known."""

    def over(subject: Subject) -> Iterator[Finding]:
        for pod in subject.pods:
            if isinstance(pod.spec, Unknown):
                yield Finding.unjudged(pod.where)
            else:
                yield from judge(pod, pod.spec)

    # Most documents of a cluster hold no pod: they must not cost a generator for every rule.
    return lambda subject: over(subject) if subject.pods else ()


def each_container(judge: Callable[[Container, Body], Iterable[Finding]]) -> Check:
    """A check that asks `judge` of every init, ordinary and ephemeral container that is known."""

    def over(subject: Subject) -> Iterator[Finding]:
        for pod in subject.pods:
            for container in pod.containers:
                if isinstance(container.body, Unknown):
                    yield Finding.unjudged(container.where)
                else:
                    yield from judge(container, container.body)

    return lambda subject: over(subject) if subject.pods else ()


def each_role_rule(judge: Callable[[Subject, object, Path], Iterable[Finding]]) -> Check:
    """A check that asks `judge` of every known rule of a Role or ClusterRole, with its place."""

    def over(subject: Subject, body: Body) -> Iterator[Finding]:
        for where, rule in entries_of(body.get("rules"), (*subject.where, "rules")):
            if rule is UNKNOWN:
                yield Finding.unjudged(where)
            else:
                yield from judge(subject, rule, where)

    return each_object(("Role", "ClusterRole"), over)


def each_object(kinds: Iterable[str], judge: Callable[[Subject, Body], Iterable[Finding]]) -> Check:
    """A check that asks `judge` of every object of these kinds.

    An object whose kind is unknown may be one of them, and is reported as such.
    """
    wanted = frozenset(kinds)

    def over(subject: Subject) -> Iterable[Finding]:
        if isinstance(subject.kind, Unknown):
            return (Finding.unjudged((*subject.where, "kind")),)
        if subject.kind not in wanted:
            return ()
        if not isinstance(subject.body, Mapping):
            return (Finding.unjudged(subject.where),)
        return judge(subject, subject.body)

    return over
