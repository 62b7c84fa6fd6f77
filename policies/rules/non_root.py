"""No container that runs as root."""

from collections.abc import Iterator

from ._check import each_pod, wrong
from ._model import Finding, Rule, Severity
from ._security import STANDARDS, settings_of
from ._subject import Body, Pod

_SOURCE = "Pod Security Standards, restricted, running as non-root"


def _may_be_root(pod: Pod, spec: Body) -> Iterator[Finding]:
    return wrong(
        settings_of(pod, spec, "runAsNonRoot"),
        # What a patch does not say stays as it is.
        lambda value: value is not True and not (value is None and pod.partial),
        "nothing keeps the container from running as root",
    )


def _is_root(pod: Pod, spec: Body) -> Iterator[Finding]:
    users = settings_of(pod, spec, "runAsUser")
    return wrong(users, lambda value: value in (0, "0"), "user 0 is root")


RULES = (
    Rule(
        name="run-as-non-root",
        severity=Severity.MEDIUM,
        description="A pod must say that its containers do not run as root.",
        remedy="set securityContext.runAsNonRoot to true in the pod or in each container",
        source=_SOURCE,
        url=f"{STANDARDS}#restricted",
        limitations=(
            "The user that the image names: the kubelet refuses the container then. A pod in a "
            "user namespace of its own, which Pod Security admits since Kubernetes 1.35, is held "
            "to the same rule."
        ),
        check=each_pod(_may_be_root),
        tags=("pod-security", "pss-restricted"),
    ),
    Rule(
        name="root-user",
        severity=Severity.MEDIUM,
        description="A container must not run as user 0.",
        remedy="set securityContext.runAsUser to a user of its own, such as 1000, or remove it",
        source=_SOURCE,
        url=f"{STANDARDS}#restricted",
        limitations="The user that the image names.",
        check=each_pod(_is_root),
        tags=("pod-security", "pss-restricted"),
    ),
)
