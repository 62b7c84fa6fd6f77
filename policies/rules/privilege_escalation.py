"""No container whose processes can get more rights than they started with."""

from collections.abc import Iterator

from ._check import each_container, wrong
from ._model import Finding, Rule, Severity
from ._security import STANDARDS, WINDOWS, is_for_windows, own_setting
from ._subject import Body, Container


def _judge(container: Container, body: Body) -> Iterator[Finding]:
    if not is_for_windows(container.pod):
        yield from wrong(
            [own_setting(container, body, "allowPrivilegeEscalation")],
            # What a patch does not say stays as it is.
            lambda value: value is not False and not (value is None and container.pod.partial),
            "a set-uid program in the image makes its caller root",
        )


RULES = (
    Rule(
        name="privilege-escalation",
        severity=Severity.MEDIUM,
        description="A container must say that it does not allow privilege escalation.",
        remedy="set securityContext.allowPrivilegeEscalation to false in each container",
        source="Pod Security Standards, restricted, privilege escalation",
        url=f"{STANDARDS}#restricted",
        limitations=WINDOWS,
        check=each_container(_judge),
        tags=("pod-security", "pss-restricted"),
    ),
)
