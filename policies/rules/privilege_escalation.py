"""No container whose processes can get more rights than they started with."""

from collections.abc import Iterator

from ._check import each_container
from ._model import UNKNOWN, Enforcement, Finding, Rule, Severity
from ._security import STANDARDS, WINDOWS, is_for_windows, own_setting
from ._subject import Body, Container


def _judge(container: Container, body: Body) -> Iterator[Finding]:
    if is_for_windows(container.pod):
        return
    where, value = own_setting(container, body, "allowPrivilegeEscalation")
    if value is UNKNOWN:
        yield Finding.unjudged(where)
    # What a patch does not say stays as it is.
    elif value is not False and not (value is None and container.pod.partial):
        yield Finding.fires(where, "a set-uid program in the image makes its caller root")


RULES = (
    Rule(
        name="privilege-escalation",
        severity=Severity.MEDIUM,
        enforcement=Enforcement.MANDATORY,
        description="A container must say that it does not allow privilege escalation.",
        remedy="set securityContext.allowPrivilegeEscalation to false in each container",
        source="Pod Security Standards, restricted, privilege escalation",
        url=f"{STANDARDS}#restricted",
        limitations=WINDOWS,
        check=each_container(_judge),
        tags=("pod-security", "pss-restricted"),
    ),
)
