"""What a namespace and the workloads in it must have together."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ._cross_resource import CrossResourceRule, Observation, namespace_of
from ._field import value_at
from ._model import UNKNOWN, Finding, Severity, Unknown
from ._subject import Subject
from .daemonset_reach import WAVE_LABEL

_ENFORCE = "pod-security.kubernetes.io/enforce"
# The rules that are Pod Security's, by level, with the minor version of Kubernetes 1 that brought
# the control: k8s.io/pod-security-admission v0.35.4, MinimumVersion of each check.
_BASELINE = {
    "added-capabilities": 0,
    "daemonset-host-namespaces": 0,
    "host-path": 0,
    "host-port": 0,
    "kernel-confinement": 0,
    "privileged-container": 0,
    "probe-host": 34,
    "seccomp-unconfined": 0,
    "unmasked-proc": 0,
    "unsafe-sysctl": 0,
    "windows-host-process": 0,
    "workload-host-namespaces": 0,
}
_RESTRICTED = {
    "privilege-escalation": 8,
    "root-user": 23,
    "run-as-non-root": 0,
    "seccomp-profile": 19,
    "undropped-capabilities": 22,
    "unmasked-proc-in-user-namespace": 0,
    "volume-type": 0,
}
LEVELS: dict[str, dict[str, int]] = {
    "privileged": {},
    "baseline": _BASELINE,
    "restricted": {**_BASELINE, **_RESTRICTED},
}
_CONTROLS = frozenset(LEVELS["restricted"])
_VERSION = re.compile(r"v1\.(\d{1,4})")
_NEWEST = 10_000
_REJECTED = (
    "the workload is accepted and its pods never appear, because its namespace enforces a level "
    "of Pod Security that they do not meet"
)
_UNREADABLE = "the level of Pod Security or its version is none that the API server knows"


def _collect_levels(subject: Subject, fired: frozenset[str]) -> Iterator[Observation]:
    if subject.kind == "Namespace":
        place, labels = value_at(subject.body, subject.where, "metadata", "labels")
        _, name = value_at(subject.body, subject.where, "metadata", "name")
        held = labels if isinstance(labels, Mapping) else {}
        level = UNKNOWN if labels is UNKNOWN else held.get(_ENFORCE)
        version = held.get(f"{_ENFORCE}-version")
        if level is not None:
            at = place if labels is UNKNOWN else (*place, _ENFORCE)
            finding = (
                Finding.unjudged(at)
                if UNKNOWN in (level, version)
                else Finding.fires(at, _UNREADABLE)
            )
            named = name if isinstance(name, str) else UNKNOWN
            yield Observation(subject.identity, named, "level", (level, version), finding)
    elif subject.pods and not isinstance(subject.kind, Unknown):
        broken = frozenset(fired & _CONTROLS)
        if broken:
            _, namespace = namespace_of(subject)
            finding = Finding.fires(subject.pods[0].where, _REJECTED)
            yield Observation(subject.identity, namespace, "pods", broken, finding)


def _minor(version: object) -> int | None:
    """The minor version that a label pins; None when it is no version."""
    if version in (None, "latest"):
        return _NEWEST
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    return int(match.group(1)) if match else None


def _evaluate_levels(observations: Sequence[Observation]) -> Iterator[tuple[Observation, Finding]]:
    labelled = {
        observation.namespace: observation
        for observation in observations
        if observation.about == "level"
    }
    for observation in labelled.values():
        level, version = observation.value
        known = UNKNOWN not in (level, version)
        if known and (level not in LEVELS or _minor(version) is None):
            yield observation, observation.finding
    for observation in observations:
        namespace = labelled.get(observation.namespace) if observation.about == "pods" else None
        if namespace is None:
            continue
        level, version = namespace.value
        if UNKNOWN in (level, version):
            yield namespace, namespace.finding
            continue
        minor = _minor(version)
        controls = LEVELS.get(level, {}) if isinstance(level, str) else {}
        needed = (controls.get(name, _NEWEST + 1) for name in observation.value)
        if minor is not None and any(since <= minor for since in needed):
            yield observation, observation.finding


def _collect_gateways(subject: Subject, _fired: frozenset[str]) -> Iterator[Observation]:
    where, namespace = namespace_of(subject)
    if subject.kind == "NetworkPolicy":
        _, types = value_at(subject.body, (), "spec", "policyTypes")
        _, egress = value_at(subject.body, (), "spec", "egress")
        if (
            types is UNKNOWN
            or egress not in (None, [])
            or (isinstance(types, list) and "Egress" in types)
        ):
            yield Observation(subject.identity, namespace, "fence", None, Finding.unjudged(where))
    elif subject.pods and subject.kind != "Pod" and _is_gateway(subject):
        finding = (
            Finding.unjudged(where)
            if namespace is UNKNOWN
            else Finding.fires(
                subject.pods[0].where,
                "no NetworkPolicy of its namespace limits egress, so what fails may leak past the "
                "exit node by the node's own address",
            )
        )
        yield Observation(subject.identity, namespace, "gateway", None, finding)


def _is_gateway(subject: Subject) -> bool:
    for path in (("metadata",), ("spec", "template", "metadata")):
        _, labels = value_at(subject.body, (), *path, "labels")
        if isinstance(labels, Mapping) and WAVE_LABEL in labels:
            return True
    return any(
        any(
            isinstance(variable.name, str) and variable.name.startswith("TS_")
            for variable in container.environment.variables
        )
        for pod in subject.pods
        for container in pod.containers
    )


def _evaluate_gateways(
    observations: Sequence[Observation],
) -> Iterable[tuple[Observation, Finding]]:
    fenced = {observation.namespace for observation in observations if observation.about == "fence"}
    # A fence whose namespace is not known may be any gateway's.
    return (
        (observation, observation.finding)
        for observation in observations
        if observation.about == "gateway"
        and observation.namespace not in fenced
        and UNKNOWN not in fenced
    )


CROSS_RESOURCE_RULES = (
    CrossResourceRule(
        name="pod-security-label",
        severity=Severity.HIGH,
        description="A workload must meet the level of Pod Security that its namespace enforces.",
        remedy=(
            "mend what the other findings of the workload name, or move it to a namespace whose "
            "level it meets"
        ),
        source=(
            "2025-10-12: the Pulumi operator had no pods for four days, because its namespace "
            "enforced restricted and enforcement looks at pods and not at what makes them"
        ),
        url="https://kubernetes.io/docs/concepts/security/pod-security-admission/",
        limitations=(
            "A namespace that is not in the same stack or scan, the cluster's own defaults and "
            "exemptions, and the labels audit and warn."
        ),
        tags=("pod-security",),
        collect=_collect_levels,
        evaluate=_evaluate_levels,
    ),
    CrossResourceRule(
        name="gateway-network-policy",
        severity=Severity.HIGH,
        description="A namespace with gateways must have a NetworkPolicy that limits egress.",
        remedy="add a NetworkPolicy with the policy type Egress that admits only what is needed",
        source=(
            "A userspace node whose exit node is unset or unapproved dials directly: only a "
            "NetworkPolicy keeps that from being a leak"
        ),
        url="https://kubernetes.io/docs/concepts/services-networking/network-policies/",
        limitations=(
            "Which pods the policy selects and what it admits, and whether the cluster enforces "
            "NetworkPolicies. Single files are not judged: the policy may be in another."
        ),
        tags=("network", "egress"),
        collect=_collect_gateways,
        evaluate=_evaluate_gateways,
        needs_all=True,
    ),
)
