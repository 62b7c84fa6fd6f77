"""No container that is privileged or sees its node's processes unmasked."""

from collections.abc import Iterator

from ._check import each_container, each_pod, is_set, wrong
from ._field import value_at
from ._model import UNKNOWN, Finding, Rule, Severity
from ._security import STANDARDS, own_setting, settings_of
from ._subject import Body, Container, Pod

_PRIVILEGED = "a privileged container can do to the node whatever root can"
_UNMASKED = "the container sees parts of /proc that are masked for good reason"
_HOST_PROCESS = "the container runs as a process of its Windows node"


def _privileged(container: Container, body: Body) -> Iterator[Finding]:
    return wrong([own_setting(container, body, "privileged")], is_set, _PRIVILEGED)


def _unmasked(container: Container, body: Body) -> Iterator[Finding]:
    # Since Kubernetes 1.35 a pod in a user namespace of its own may ask for it.
    shared = value_at(container.pod.spec, (), "hostUsers")[1] is not False
    mount = own_setting(container, body, "procMount")
    return wrong([mount], lambda value: shared and value not in (None, "Default"), _UNMASKED)


def _unmasked_in_user_namespace(container: Container, body: Body) -> Iterator[Finding]:
    own, users = value_at(container.pod.spec, container.pod.where, "hostUsers")
    where, mount = own_setting(container, body, "procMount")
    if mount in (None, "Default") or (users is not False and users is not UNKNOWN):
        return  # nothing asked for, or unmasked-proc's business
    if UNKNOWN in (mount, users):
        yield Finding.unjudged(where if mount is UNKNOWN else own)
    else:
        yield Finding.fires(where, _UNMASKED)


def _host_process(pod: Pod, spec: Body) -> Iterator[Finding]:
    return wrong(settings_of(pod, spec, "windowsOptions", "hostProcess"), is_set, _HOST_PROCESS)


_BASELINE = f"{STANDARDS}#baseline"

RULES = (
    Rule(
        name="privileged-container",
        severity=Severity.CRITICAL,
        description="A container must not be privileged.",
        remedy=(
            "remove privileged; Tailscale in userspace mode (TS_USERSPACE=true) needs no privilege"
        ),
        source=(
            "Incident of 2025-10-13: the privileged container rewrote the nodes' routes and "
            "iptables; Pod Security Standards, baseline, privileged containers"
        ),
        url=_BASELINE,
        limitations="What a container that is not privileged may do by a capability or a device.",
        check=each_container(_privileged),
        cel_expression=(
            "variables.containers.all(c, !has(c.securityContext) || "
            "!has(c.securityContext.privileged) || !c.securityContext.privileged)"
        ),
        tags=("pod-security", "pss-baseline", "incident-2025-10-13"),
    ),
    Rule(
        name="unmasked-proc",
        severity=Severity.HIGH,
        description="A container must not see an unmasked /proc.",
        remedy="remove securityContext.procMount",
        source="Pod Security Standards, baseline, /proc mount type",
        url=_BASELINE,
        limitations=(
            "A pod in a user namespace of its own (hostUsers: false) may ask for it, as in Pod "
            "Security since Kubernetes 1.35; an older cluster refuses it."
        ),
        check=each_container(_unmasked),
        tags=("pod-security", "pss-baseline"),
    ),
    Rule(
        name="unmasked-proc-in-user-namespace",
        severity=Severity.MEDIUM,
        description="A pod in a user namespace of its own must not see an unmasked /proc either.",
        remedy="remove securityContext.procMount",
        source=(
            "Pod Security Standards, restricted, /proc mount type: the API server of 1.35 refuses "
            "there what baseline admits with hostUsers: false"
        ),
        url=f"{STANDARDS}#restricted",
        limitations="Pods without a user namespace of their own: another rule's business.",
        check=each_container(_unmasked_in_user_namespace),
        tags=("pod-security", "pss-restricted"),
    ),
    Rule(
        name="windows-host-process",
        severity=Severity.CRITICAL,
        description="A container must not run as a process of its Windows node.",
        remedy="remove windowsOptions.hostProcess",
        source="Pod Security Standards, baseline, HostProcess",
        url=_BASELINE,
        limitations="Nothing that a manifest says.",
        check=each_pod(_host_process),
        tags=("pod-security", "pss-baseline"),
    ),
)
