"""The types of the fields that the rules read, as the API server takes them.

https://kubernetes.io/docs/reference/kubernetes-api/ (v1.35). A test looks at what the rules read,
so that no field of theirs is missing here.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from ._model import Path, Unknown

# What may stand in a field: a type; a mapping of the fields below it; in a list of one, what each
# entry must be; in a frozenset, any of these types.
Shape: TypeAlias = "type | frozenset[type] | dict[str, Shape] | list[Shape]"

_NUMBER_OR_TEXT: Shape = frozenset({int, float, str})  # a quantity, a port, a percentage
_COUNT: Shape = frozenset({int, str})
_TEXTS: Shape = [str]
# A mapping whose values are all text.
LABELS: Shape = {"*": str}
META: dict[str, Shape] = {
    "name": str,
    "namespace": str,
    "labels": LABELS,
    "annotations": LABELS,
}
_PROFILE: Shape = {"type": str}
_CONTEXT: dict[str, Shape] = {
    "appArmorProfile": _PROFILE,
    "runAsNonRoot": bool,
    "runAsUser": int,
    "seccompProfile": _PROFILE,
    "seLinuxOptions": {"role": str, "type": str, "user": str},
    "windowsOptions": {"hostProcess": bool},
}
_ACTION: dict[str, Shape] = {
    "exec": {"command": _TEXTS},
    "httpGet": {"host": str},
    "tcpSocket": {"host": str},
}
_REFERENCE: Shape = {"name": str, "optional": bool}
_AMOUNTS: Shape = {
    "limits": {"*": _NUMBER_OR_TEXT},
    "requests": {"*": _NUMBER_OR_TEXT},
}
_CONTAINER: dict[str, Shape] = {
    "args": _TEXTS,
    "command": _TEXTS,
    "env": [
        {
            "name": str,
            "value": str,
            "valueFrom": {"configMapKeyRef": _REFERENCE, "secretKeyRef": _REFERENCE},
        }
    ],
    "envFrom": [{"configMapRef": _REFERENCE, "secretRef": _REFERENCE}],
    "image": str,
    "lifecycle": {"postStart": _ACTION, "preStop": _ACTION},
    "livenessProbe": _ACTION,
    "name": str,
    "ports": [{"hostPort": int}],
    "readinessProbe": _ACTION,
    "resources": _AMOUNTS,
    "securityContext": {
        **_CONTEXT,
        "allowPrivilegeEscalation": bool,
        "capabilities": {"add": _TEXTS, "drop": _TEXTS},
        "privileged": bool,
        "procMount": str,
    },
    "startupProbe": _ACTION,
    "volumeMounts": [{"subPathExpr": str}],
}
_REQUIREMENTS: Shape = [{"key": str, "operator": str, "values": _TEXTS}]
_SELECTOR: Shape = {"matchExpressions": _REQUIREMENTS, "matchLabels": LABELS}
POD: dict[str, Shape] = {
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {"matchExpressions": _REQUIREMENTS, "matchFields": _REQUIREMENTS}
                ]
            }
        }
    },
    "containers": [_CONTAINER],
    "ephemeralContainers": [_CONTAINER],
    "hostIPC": bool,
    "hostNetwork": bool,
    "hostPID": bool,
    "hostUsers": bool,
    "imagePullSecrets": [{"name": str}],
    "initContainers": [_CONTAINER],
    "nodeSelector": LABELS,
    "os": {"name": str},
    "resources": _AMOUNTS,
    "securityContext": {**_CONTEXT, "sysctls": [{"name": str}]},
    "serviceAccountName": str,
    "tolerations": [{"key": str, "operator": str}],
    "volumes": [
        {
            "configMap": _REFERENCE,
            "hostPath": {},
            "image": {"reference": str},
            "projected": {"sources": [{"configMap": _REFERENCE, "secret": _REFERENCE}]},
            "secret": {"optional": bool, "secretName": str},
            **{
                name: {}
                for name in ("csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim")
            },
        }
    ],
}
_TEMPLATE: dict[str, Shape] = {"metadata": META, "spec": POD}
_WORKLOAD: dict[str, Shape] = {"spec": {"selector": _SELECTOR, "template": _TEMPLATE}}
_CRON: dict[str, Shape] = {
    "spec": {"jobTemplate": {"metadata": META, "spec": {"template": _TEMPLATE}}}
}
_ROLLING: Shape = {"rollingUpdate": {"maxSurge": _COUNT, "maxUnavailable": _COUNT}}
_ROLE: dict[str, Shape] = {
    "rules": [
        {
            "apiGroups": _TEXTS,
            "nonResourceURLs": _TEXTS,
            "resourceNames": _TEXTS,
            "resources": _TEXTS,
            "verbs": _TEXTS,
        }
    ],
}
_BINDING: dict[str, Shape] = {
    "roleRef": {"name": str},
    "subjects": [{"kind": str, "name": str}],
}
_MONITOR: dict[str, Shape] = {
    "spec": {"namespaceSelector": {"any": bool, "matchNames": _TEXTS}, "selector": _SELECTOR}
}
_STORE: dict[str, Shape] = {"spec": {"conditions": [{}], "provider": {}}}
_EXTERNAL_SECRET: dict[str, Shape] = {"refreshInterval": str, "target": {"name": str}}
_PUSH: dict[str, Shape] = {
    "secretStoreRefs": [{"kind": str, "labelSelector": _SELECTOR, "name": str}]
}
_NAMED: dict[str, Shape] = {}
# Beside the metadata that all of them have.
_KINDS: dict[str, dict[str, Shape]] = {
    "Certificate": {"spec": {"secretName": str}},
    "ClusterExternalSecret": {"spec": {"externalSecretSpec": _EXTERNAL_SECRET}},
    "ClusterPushSecret": {"spec": {"pushSecretSpec": _PUSH}},
    "ClusterRole": _ROLE,
    "ClusterRoleBinding": _BINDING,
    "ClusterSecretStore": _STORE,
    "ConfigMap": _NAMED,
    "CronJob": _CRON,
    "DaemonSet": {
        "spec": {"selector": _SELECTOR, "template": _TEMPLATE, "updateStrategy": _ROLLING}
    },
    "Deployment": _WORKLOAD,
    "ExternalSecret": {"spec": _EXTERNAL_SECRET},
    "Job": _WORKLOAD,
    "Namespace": _NAMED,
    "NetworkPolicy": {"spec": {"egress": [{}], "podSelector": _SELECTOR, "policyTypes": _TEXTS}},
    "Plan": {"spec": {"concurrency": int}},
    "Pod": {"spec": POD},
    "PodDisruptionBudget": {"spec": {"selector": _SELECTOR}},
    "PodMonitor": _MONITOR,
    "PodTemplate": {"template": _TEMPLATE},
    "PushSecret": {"spec": _PUSH},
    "ReplicaSet": _WORKLOAD,
    "ReplicationController": {"spec": {"selector": LABELS, "template": _TEMPLATE}},
    "Role": _ROLE,
    "RoleBinding": _BINDING,
    "ScheduledJob": _CRON,
    "SealedSecret": {"spec": {"template": {"metadata": META}}},
    "Secret": _NAMED,
    "SecretStore": _STORE,
    "Service": {"spec": {"selector": LABELS}},
    "ServiceAccount": _NAMED,
    "ServiceMonitor": _MONITOR,
    "StatefulSet": _WORKLOAD,
}
SHAPES: dict[str, Shape] = {kind: {"metadata": META, **shape} for kind, shape in _KINDS.items()}


def mistyped(value: object, shape: Shape, where: Path) -> Iterator[Path]:
    """The place of each value that is not of its field's type; one that is unknown may be."""
    return iter(()) if _fits(value, shape) else _misfits(value, shape, where)


def _fits(value: object, shape: Shape) -> bool:
    """Whether there is no such place: nearly always, and quicker to say than where."""
    kind = type(value)
    if kind is shape or value is None or kind is Unknown:
        return True
    if isinstance(shape, dict):
        # Asking for the type itself is quicker than for the abstract one.
        is_mapping = kind is dict or isinstance(value, Mapping)
        return is_mapping and _mapping_fits(value, shape)  # type: ignore[arg-type]
    if isinstance(shape, list):
        return isinstance(value, list) and _list_fits(value, shape[0])
    # As JSON has it: a boolean is no number, and a whole number is one however it is held.
    kind = int if isinstance(value, float) and value.is_integer() else kind
    return kind is shape if isinstance(shape, type) else kind in shape


def _mapping_fits(mapping: Mapping[object, object], shape: dict[str, Shape]) -> bool:
    named = shape.get("*")
    for field, entry in mapping.items():
        below = named or shape.get(field)  # type: ignore[call-overload]  # any key may be asked for
        if below is not None and not _fits(entry, below):
            return False
    return True


def _list_fits(entries: list[object], shape: Shape) -> bool:
    for entry in entries:  # noqa: SIM110 - all() with a generator takes half as long again
        if not _fits(entry, shape):
            return False
    return True


def _misfits(value: object, shape: Shape, where: Path) -> Iterator[Path]:
    if isinstance(shape, dict) and isinstance(value, Mapping) and "*" not in shape:
        for field, entry in value.items():
            if isinstance(field, str) and field in shape:
                yield from mistyped(entry, shape[field], (*where, field))
    elif isinstance(shape, list) and isinstance(value, list):
        for number, entry in enumerate(value):
            yield from mistyped(entry, shape[0], (*where, number))
    else:
        # Of labels the path is that of the mapping: the names in it may be any text.
        yield where
