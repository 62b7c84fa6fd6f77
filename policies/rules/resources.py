"""Every container of a workload that runs for good says what it needs and may take."""

from ._field import value_at
from ._model import UNKNOWN, Enforcement, Path, Rule, Severity
from ._ordinary import each_lasting_container
from ._subject import Body, Container

_URL = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"
_LIMITATIONS = "Jobs, bare pods, init containers, and the defaults of a LimitRange."


def _requests(container: Container, body: Body) -> tuple[Path, object]:
    cpu = _amount(container, body, "requests", "cpu")
    # The first of the two that is missing or unknown is where to write.
    return cpu if cpu[1] in (None, "", UNKNOWN) else _amount(container, body, "requests", "memory")


def _limit(container: Container, body: Body) -> tuple[Path, object]:
    return _amount(container, body, "limits", "memory")


def _amount(container: Container, body: Body, *path: str) -> tuple[Path, object]:
    """The container's amount, or since Kubernetes 1.34 the one that its pod shares out."""
    own = value_at(body, container.where, "resources", *path)
    if own[1] is not None:
        return own
    pods = value_at(container.pod.spec, container.pod.where, "resources", *path)
    return own if pods[1] is None else pods


RULES = (
    Rule(
        name="resource-requests",
        severity=Severity.MEDIUM,
        enforcement=Enforcement.ADVISORY,
        description="A container that runs for good should request CPU and memory.",
        remedy="set resources.requests.cpu and resources.requests.memory",
        source="Audit of 2025-10-13, section 2, resources of the exit node and the workers",
        url=_URL,
        limitations=_LIMITATIONS,
        check=each_lasting_container(
            _requests, "a pod without requests is the first to be evicted and the last to get CPU"
        ),
        tags=("reliability",),
    ),
    Rule(
        name="memory-limit",
        severity=Severity.MEDIUM,
        enforcement=Enforcement.ADVISORY,
        description="A container that runs for good should have a memory limit.",
        remedy="set resources.limits.memory",
        source="Audit of 2025-10-13, section 2, resources of the exit node and the workers",
        url=_URL,
        limitations=f"{_LIMITATIONS} CPU limits are not required: they slow a pod on an idle node.",
        check=each_lasting_container(
            _limit, "a leak in the container takes the memory of everything on the node"
        ),
        tags=("reliability",),
    ),
)
