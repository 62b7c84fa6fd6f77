"""No pod in the node's own network, process or IPC namespace."""

from collections.abc import Iterator

from ._model import UNKNOWN, Enforcement, Finding, Rule, Severity, Unknown
from ._subject import Pod, Subject

_HARM = {
    "hostNetwork": "the pod runs in the node's own network, where a fault cuts the node off",
    "hostPID": "the pod sees and can end every process of the node",
    "hostIPC": "the pod shares the node's inter-process communication",
}
_REMEDY = (
    "remove hostNetwork, hostPID and hostIPC and use pod networking: run Tailscale as a userspace "
    "gateway in the pod network"
)
_SOURCE = (
    "Incident of 2025-10-13: a Tailscale DaemonSet with hostNetwork took two of three nodes off "
    "the network at once; Pod Security Standards, baseline, host namespaces"
)
_URL = "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline"
_LIMITATIONS = (
    "Pods that a controller makes from its own custom resource, unless it keeps them where "
    "Kubernetes' own kinds do and the preview knows them; and what a privileged container does to "
    "the node without these fields."
)


def _findings(pod: Pod) -> Iterator[Finding]:
    if isinstance(pod.spec, Unknown):
        yield Finding.unjudged(pod.where)
        return
    for field, harm in _HARM.items():
        value = pod.spec.get(field)
        if value is UNKNOWN:
            yield Finding.unjudged((*pod.where, field))
        # Anything but false counts: a guard does not bet on how "true" in quotes will be read.
        elif value is not None and value is not False:
            yield Finding.fires((*pod.where, field), harm)


def _in_daemonset(subject: Subject) -> Iterator[Finding]:
    if subject.kind == "DaemonSet" or isinstance(subject.kind, Unknown):
        for pod in subject.pods:
            yield from _findings(pod)


def _in_other_workload(subject: Subject) -> Iterator[Finding]:
    if subject.kind != "DaemonSet":
        for pod in subject.pods:
            yield from _findings(pod)


_NONE_CEL = " && ".join(
    f"(!has(variables.pod.{field}) || !variables.pod.{field})" for field in _HARM
)

RULES = (
    Rule(
        name="daemonset-host-namespaces",
        severity=Severity.CRITICAL,
        enforcement=Enforcement.MANDATORY,
        description="A DaemonSet must not share the nodes' network, process or IPC namespace.",
        remedy=_REMEDY,
        source=_SOURCE,
        url=_URL,
        limitations=_LIMITATIONS,
        check=_in_daemonset,
        cel_expression=f"object.kind != 'DaemonSet' || ({_NONE_CEL})",
        tags=("network", "pod-security", "incident-2025-10-13"),
    ),
    Rule(
        name="workload-host-namespaces",
        severity=Severity.HIGH,
        enforcement=Enforcement.MANDATORY,
        description="A pod must not share its node's network, process or IPC namespace.",
        remedy=_REMEDY,
        source=_SOURCE,
        url=_URL,
        limitations=_LIMITATIONS,
        check=_in_other_workload,
        cel_expression=f"object.kind == 'DaemonSet' || ({_NONE_CEL})",
        tags=("network", "pod-security"),
    ),
)
