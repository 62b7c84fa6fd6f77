"""No container with more of root's powers than it needs."""

from collections.abc import Iterator

from ._check import each_container, wrong
from ._field import entries_of
from ._model import UNKNOWN, Finding, Rule, Severity, Unknown
from ._security import CONTEXT, STANDARDS, WINDOWS, is_for_windows, own_setting
from ._subject import Body, Container

# What Pod Security's level `baseline` lets a container add: check_capabilities_baseline.go of
# k8s.io/pod-security-admission v0.35.4.
_DEFAULT = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
_RESTRICTED = frozenset({"NET_BIND_SERVICE"})
_ADDED = "the container is given a power that a pod must not have, such as over the node's network"
_KEPT = "the container keeps root's default powers"
_RETAKEN = "the container takes back a power of root's that it was to drop"


def _is_in(entry: object, allowed: frozenset[str]) -> bool:
    return isinstance(entry, str) and entry in allowed


def _added(container: Container, body: Body) -> Iterator[Finding]:
    where, listed = own_setting(container, body, "capabilities", "add")
    if listed is not None and not isinstance(listed, list | Unknown):
        yield Finding.fires(where, _ADDED)  # a single name, perhaps: no list that could be read
    yield from wrong(entries_of(listed, where), lambda entry: not _is_in(entry, _DEFAULT), _ADDED)


def _kept(container: Container, body: Body) -> Iterator[Finding]:
    if is_for_windows(container.pod):
        return
    where, listed = own_setting(container, body, "capabilities", "drop")
    dropped = [entry for _, entry in entries_of(listed, where)]
    if "ALL" not in [entry for entry in dropped if isinstance(entry, str)]:
        if UNKNOWN in dropped:
            yield Finding.unjudged(where)
        # What a patch does not say stays as it is.
        elif listed is not None or not container.pod.partial:
            yield Finding.fires((*container.where, CONTEXT, "capabilities", "drop"), _KEPT)
    where, listed = own_setting(container, body, "capabilities", "add")
    for place, entry in entries_of(listed, where):
        if _is_in(entry, _DEFAULT - _RESTRICTED):
            yield Finding.fires(place, _RETAKEN)
        elif entry is UNKNOWN and UNKNOWN not in dropped:
            yield Finding.unjudged(place)


RULES = (
    Rule(
        name="added-capabilities",
        severity=Severity.HIGH,
        description="A container must not add capabilities such as NET_ADMIN or SYS_ADMIN.",
        remedy="remove it from capabilities.add; a userspace gateway needs no NET_ADMIN",
        source=(
            "Incident of 2025-10-13: NET_ADMIN let Tailscale change the nodes' routes; Pod "
            "Security Standards, baseline, capabilities"
        ),
        url=f"{STANDARDS}#baseline",
        limitations="What a privileged container may do without asking: another rule's business.",
        check=each_container(_added),
        cel_expression=(
            "variables.containers.all(c, !has(c.securityContext) || "
            "!has(c.securityContext.capabilities) || !has(c.securityContext.capabilities.add) || "
            f"c.securityContext.capabilities.add.all(a, a in {sorted(_DEFAULT)}))"
        ),
        tags=("pod-security", "pss-baseline", "incident-2025-10-13"),
    ),
    Rule(
        name="undropped-capabilities",
        severity=Severity.MEDIUM,
        description="A container must drop all capabilities and add none but NET_BIND_SERVICE.",
        remedy='set securityContext.capabilities.drop to ["ALL"]',
        source="Pod Security Standards, restricted, capabilities",
        url=f"{STANDARDS}#restricted",
        limitations=WINDOWS,
        check=each_container(_kept),
        tags=("pod-security", "pss-restricted"),
    ),
)
