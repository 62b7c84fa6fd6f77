"""The containers that run as long as their pod, in workloads that run for good."""

from collections.abc import Callable, Iterator

from ._check import Check, wrong
from ._model import Finding, Path, Unknown
from ._subject import Body, Container, Subject

_FOR_GOOD = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"}
)


def each_lasting_container(
    place_of: Callable[[Container, Body], tuple[Path, object]], message: str
) -> Check:
    """A check that every such container has a value where `place_of` looks.

    A patch is not asked: what it does not say stays as it is.
    """

    def over(subject: Subject) -> Iterator[Finding]:
        for pod in subject.pods:
            for container in pod.containers:
                if isinstance(container.body, Unknown):
                    yield Finding.unjudged(container.where)
                elif container.ordinary:
                    value = place_of(container, container.body)
                    yield from wrong([value], lambda value: value in (None, "", {}), message)

    def check(subject: Subject) -> Iterator[Finding] | tuple[()]:
        lasts = isinstance(subject.kind, Unknown) or subject.kind in _FOR_GOOD
        return over(subject) if lasts and not subject.partial else ()

    return check
