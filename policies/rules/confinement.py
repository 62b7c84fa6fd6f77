"""No container outside the confinement that the node's kernel gives: seccomp, AppArmor, SELinux."""

from collections.abc import Iterator

from ._check import each_pod, wrong
from ._model import UNKNOWN, Finding, Path, Rule, Severity, Unknown
from ._security import STANDARDS, WINDOWS, is_for_windows, settings_of
from ._subject import Body, Pod, Subject

_PROFILES = ("RuntimeDefault", "Localhost")
# check_seLinuxOptions.go of k8s.io/pod-security-admission v0.35.4.
_SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
_UNCONFINED = "the container may make every system call of the node's kernel"


def _seccomp_unconfined(pod: Pod, spec: Body) -> Iterator[Finding]:
    profiles = settings_of(pod, spec, "seccompProfile", "type")
    return wrong(profiles, lambda value: value not in (None, *_PROFILES), _UNCONFINED)


def _seccomp_unsaid(pod: Pod, spec: Body) -> Iterator[Finding]:
    if not is_for_windows(pod):
        profiles = settings_of(pod, spec, "seccompProfile", "type")
        # A patch leaves alone what it does not say.
        yield from wrong(profiles, lambda value: value is None and not pod.partial, _UNCONFINED)


def _other(subject: Subject) -> Iterator[Finding]:
    for pod in subject.pods:
        if isinstance(pod.spec, Unknown):
            yield Finding.unjudged(pod.where)
            continue
        unseen: set[Path] = set()  # a context that is unknown as a whole is said once
        for path, allowed in (
            (("appArmorProfile", "type"), (None, *_PROFILES)),
            (("seLinuxOptions", "type"), (None, *_SELINUX_TYPES)),
            (("seLinuxOptions", "user"), (None, "")),
            (("seLinuxOptions", "role"), (None, "")),
        ):
            for where, value in settings_of(pod, pod.spec, *path):
                if value is UNKNOWN:
                    unseen.add(where)
                elif value not in allowed:
                    yield Finding.fires(where, "the container runs under a profile of its own")
        for where in sorted(unseen, key=repr):
            yield Finding.unjudged(where)
        yield from _annotations(subject, pod)


def _annotations(subject: Subject, pod: Pod) -> Iterator[Finding]:
    """AppArmor's profile was an annotation until Kubernetes 1.30, and still counts."""
    where, annotations = subject.pod_metadata(pod, "annotations")
    if annotations is UNKNOWN:
        yield Finding.unjudged(where)
    profiles = [
        value
        for name, value in (annotations.items() if isinstance(annotations, dict) else ())
        if isinstance(name, str) and name.startswith(_APPARMOR_ANNOTATION)
    ]
    # The path stops at the annotations: the name of one may be any text.
    if any(not _is_apparmor_profile(value) for value in profiles if value is not UNKNOWN):
        yield Finding.fires(where, "a container runs without AppArmor")
    elif UNKNOWN in profiles:
        yield Finding.unjudged(where)


def _is_apparmor_profile(value: object) -> bool:
    return isinstance(value, str) and (
        value in ("", "runtime/default") or value.startswith("localhost/")
    )


RULES = (
    Rule(
        name="seccomp-unconfined",
        severity=Severity.HIGH,
        description="A pod or container must not turn its seccomp profile off.",
        remedy="set securityContext.seccompProfile.type to RuntimeDefault",
        source="Pod Security Standards, baseline, seccomp",
        url=f"{STANDARDS}#baseline",
        limitations="The annotations of before Kubernetes 1.19, which no longer count.",
        check=each_pod(_seccomp_unconfined),
        tags=("pod-security", "pss-baseline"),
    ),
    Rule(
        name="seccomp-profile",
        severity=Severity.MEDIUM,
        description="A pod or each of its containers must name a seccomp profile.",
        remedy="set securityContext.seccompProfile.type of the pod to RuntimeDefault",
        source=(
            "Audit of 2025-10-12: a chart without a seccomp profile in a namespace with the level "
            "restricted had no pods for four days; Pod Security Standards, restricted, seccomp"
        ),
        url=f"{STANDARDS}#restricted",
        limitations=WINDOWS,
        check=each_pod(_seccomp_unsaid),
        tags=("pod-security", "pss-restricted"),
    ),
    Rule(
        name="kernel-confinement",
        severity=Severity.HIGH,
        description="A container must not change its AppArmor profile or SELinux options.",
        remedy="remove appArmorProfile and seLinuxOptions, or use the type RuntimeDefault",
        source="Pod Security Standards, baseline, AppArmor and SELinux",
        url=f"{STANDARDS}#baseline",
        limitations="Annotations of an AppArmor that the cluster no longer reads.",
        check=_other,
        tags=("pod-security", "pss-baseline"),
    ),
)
