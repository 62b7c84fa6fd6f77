"""No pod in the node's own network, process or IPC namespace."""

from collections.abc import Iterable, Iterator

from ._check import each_pod, is_set, wrong
from ._model import Finding, Rule, Severity, Unknown
from ._subject import Body, Pod, Subject

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


def _findings(pod: Pod, spec: Body) -> Iterator[Finding]:
    for field, harm in _HARM.items():
        yield from wrong([((*pod.where, field), spec.get(field))], is_set, harm)


_IN_PODS = each_pod(_findings)


def _in_daemonset(subject: Subject) -> Iterable[Finding]:
    may_be = subject.kind == "DaemonSet" or isinstance(subject.kind, Unknown)
    return _IN_PODS(subject) if may_be else ()


def _in_other_workload(subject: Subject) -> Iterable[Finding]:
    return _IN_PODS(subject) if subject.kind != "DaemonSet" else ()


_NONE_CEL = " && ".join(
    f"(!has(variables.pod.{field}) || !variables.pod.{field})" for field in _HARM
)

RULES = (
    Rule(
        name="daemonset-host-namespaces",
        severity=Severity.CRITICAL,
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
