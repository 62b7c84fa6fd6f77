"""No pod with a piece of its node's file system."""

from collections.abc import Iterator

from ._check import each_pod, wrong
from ._field import fields_of
from ._model import Finding, Rule, Severity
from ._subject import Body, Pod

_HARM = (
    "the pod reads or writes the node's own files: what it changes there outlives the pod, and "
    "what it reads there may be every secret of the node"
)


def _judge(pod: Pod, spec: Body) -> Iterator[Finding]:
    paths = fields_of(spec.get("volumes"), (*pod.where, "volumes"), "hostPath")
    return wrong(paths, lambda path: path is not None, _HARM)


RULES = (
    Rule(
        name="host-path",
        severity=Severity.HIGH,
        description="A pod must not mount a path of its node.",
        remedy=(
            "keep state in a Secret, an emptyDir or a PersistentVolumeClaim; Tailscale in "
            "userspace mode needs neither /dev/net/tun nor a folder of the node"
        ),
        source=(
            "Incident of 2025-10-13: state left in /var/lib/tailscale-worker outlived the "
            "DaemonSet; Pod Security Standards, baseline, hostPath volumes"
        ),
        url="https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
        limitations=(
            "A PersistentVolume that is itself a path of a node (k3s's local-path), and a driver "
            "that mounts one."
        ),
        check=each_pod(_judge),
        cel_expression=(
            "!has(variables.pod.volumes) || variables.pod.volumes.all(v, !has(v.hostPath))"
        ),
        tags=("pod-security", "pss-baseline", "incident-2025-10-13"),
    ),
)
