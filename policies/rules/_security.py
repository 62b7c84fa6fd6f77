"""Security contexts: a pod's, and those of its containers, which come before it."""

from collections.abc import Iterator

from ._field import value_at
from ._model import UNKNOWN, Path
from ._subject import Body, Container, Pod

CONTEXT = "securityContext"
STANDARDS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
WINDOWS = (
    "A pod for Windows that does not say so in spec.os.name; of one that does, Pod Security asks "
    "nothing here since Kubernetes 1.25."
)


def is_for_windows(pod: Pod) -> bool:
    """Whether the pod says that it runs on Windows, where Pod Security asks for less since 1.25.

    The API server refuses such a pod when it sets what Windows does not have.
    """
    return value_at(pod.spec, (), "os", "name")[1] == "windows"


def own_setting(container: Container, body: Body, *path: str) -> tuple[Path, object]:
    """What a container says at ``securityContext`` and `path`, with its place."""
    return value_at(body, container.where, CONTEXT, *path)


def settings_of(pod: Pod, spec: Body, *path: str) -> Iterator[tuple[Path, object]]:
    """Every setting of `path`, the pod's and each container's, with its place.

    A container that says nothing where its pod says nothing either is given as None at the field
    where it could be said; a container that is not known, as UNKNOWN.
    """
    where, pods = value_at(spec, pod.where, CONTEXT, *path)
    if pods is not None:
        yield where, pods
    for container in pod.containers:
        if container.body is UNKNOWN:
            yield container.where, UNKNOWN
            continue
        where, own = value_at(container.body, container.where, CONTEXT, *path)
        if own is not None or pods is None:
            yield where, own
