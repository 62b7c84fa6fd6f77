"""No pod with kernel parameters or volumes that Pod Security's levels do not admit."""

from collections.abc import Iterator

from ._check import each_pod, wrong
from ._field import entries_of, fields_of, value_at
from ._model import UNKNOWN, Finding, Rule, Severity
from ._security import STANDARDS
from ._subject import Body, Pod

# check_sysctls.go and check_restrictedVolumes.go of k8s.io/pod-security-admission v0.37.2.
_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_notsent_lowat",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_slow_start_after_idle",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
# host-path reports it, and a volume that says nothing yet is a template to be filled in.
_OTHERS_BUSINESS = frozenset({"hostPath", "name"})


def _sysctls(pod: Pod, spec: Body) -> Iterator[Finding]:
    where, listed = value_at(spec, pod.where, "securityContext", "sysctls")
    return wrong(
        fields_of(listed, where, "name"),
        lambda name: not isinstance(name, str) or name not in _SYSCTLS,
        "the pod changes a parameter of its node's kernel",
    )


def _volumes(pod: Pod, spec: Body) -> Iterator[Finding]:
    for where, volume in entries_of(spec.get("volumes"), (*pod.where, "volumes")):
        if volume is UNKNOWN:
            yield Finding.unjudged(where)
        if not isinstance(volume, dict):
            continue
        sources = {name for name, value in volume.items() if value is not None}
        # The path stops at the volume: what names its source may be any text.
        if sources - _OTHERS_BUSINESS and not sources & (_VOLUMES | {"hostPath"}):
            yield Finding.fires(where, "a volume of a sort that reaches past the pod")


RULES = (
    Rule(
        name="unsafe-sysctl",
        severity=Severity.HIGH,
        description="A pod must set none but the kernel parameters that are safe.",
        remedy="remove it; a userspace gateway needs no forwarding (net.ipv4.ip_forward)",
        source="Pod Security Standards, baseline, sysctls",
        url=f"{STANDARDS}#baseline",
        limitations=(
            "What a privileged container changes by itself: another rule's business. "
            "net.ipv4.tcp_notsent_lowat and net.ipv4.tcp_slow_start_after_idle, which Pod Security "
            "admits since Kubernetes 1.37: an older cluster's level baseline refuses them."
        ),
        check=each_pod(_sysctls),
        tags=("pod-security", "pss-baseline"),
    ),
    Rule(
        name="volume-type",
        severity=Severity.MEDIUM,
        description="A pod must use none but the sorts of volumes that Pod Security admits.",
        remedy="mount it by a PersistentVolumeClaim",
        source="Pod Security Standards, restricted, volume types",
        url=f"{STANDARDS}#restricted",
        limitations="What lies behind a PersistentVolumeClaim or a CSI driver.",
        check=each_pod(_volumes),
        tags=("pod-security", "pss-restricted"),
    ),
)
