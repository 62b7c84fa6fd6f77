"""What a pod refers to by name is there."""

from collections.abc import Iterator, Sequence

from ._cross_resource import (
    CrossResourceRule,
    Observation,
    name_of,
    namespace_of,
)
from ._field import entries_of, value_at
from ._model import UNKNOWN, Enforcement, Finding, Path, Severity, Unknown
from ._subject import Pod, Subject

# Where the kinds that make a Secret by themselves name it, when not by their own name:
# external-secrets.io/v1 ExternalSecret, cert-manager.io/v1 Certificate, bitnami.com/v1alpha1.
_SECRET_NAMED_AT: dict[str, tuple[str, ...]] = {
    "Certificate": ("spec", "secretName"),
    "ClusterExternalSecret": ("spec", "externalSecretSpec", "target", "name"),
    "ExternalSecret": ("spec", "target", "name"),
    "SealedSecret": ("spec", "template", "metadata", "name"),
}
# The kinds that are named, and what is said where one is missing: made once, as they are many.
_DEFINE = {
    kind: f"it names a {kind} that is not in sight, without which the pod does not start"
    for kind in ("ConfigMap", "Secret", "ServiceAccount")
}
# What Kubernetes makes in every namespace.
_KNOWN = frozenset({("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")})
# The provider marks a name that it has made: the resource's name, a hyphen and random characters.
# A preview that replaces such an object shows the new name to those that refer to it only.
_MADE_NAME = "pulumi.com/autonamed"
_SEEN = Finding.fires((), "a observation that is looked for, and never reported")
_Named = tuple[Path, str, object]
# The way to a reference within an entry, the kind that it names, and the field of the name.
_Form = tuple[tuple[str, ...], str, str]
_SOURCES: tuple[_Form, ...] = (
    (("configMap",), "ConfigMap", "name"),
    (("secret",), "Secret", "name"),
)
_ENV_FROM: tuple[_Form, ...] = (
    (("configMapRef",), "ConfigMap", "name"),
    (("secretRef",), "Secret", "name"),
)
_ENV: tuple[_Form, ...] = (
    (("valueFrom", "configMapKeyRef"), "ConfigMap", "name"),
    (("valueFrom", "secretKeyRef"), "Secret", "name"),
)


def _collect(subject: Subject, _fired: frozenset[str]) -> Iterator[Observation]:
    _, namespace = namespace_of(subject)
    if subject.kind in _DEFINE:
        name = name_of(subject)
        made = value_at(subject.body, (), "metadata", "annotations", _MADE_NAME)[1]
        if made == "true" and isinstance(name, str):
            name = _any_made(name)
        yield Observation("", namespace, "has", (subject.kind, name), _SEEN)
    elif isinstance(subject.kind, str) and subject.kind in _SECRET_NAMED_AT:
        _, stated = value_at(subject.body, (), *_SECRET_NAMED_AT[subject.kind])
        name = stated if isinstance(stated, str | Unknown) and stated != "" else name_of(subject)
        where = UNKNOWN if subject.kind == "ClusterExternalSecret" else namespace
        yield Observation("", where, "has", ("Secret", name), _SEEN)
    said: set[tuple[str, str]] = set()
    for pod in subject.pods:
        for place, kind, name in _named(pod):
            # An Output as a name comes from the resource that it names.
            if isinstance(name, str) and name and (kind, name) not in said | _KNOWN:
                said.add((kind, name))
                finding = Finding.fires(place, _DEFINE[kind])
                yield Observation(subject.identity, namespace, "names", (kind, name), finding)


def _any_made(name: str) -> str:
    """What stands for each name that the provider can make for the object with this one."""
    return f"{name.rpartition('-')[0]}-*"


def _named(pod: Pod) -> Iterator[_Named]:
    """Each name in a pod that must be that of another object, and what kind of object."""
    where, name = value_at(pod.spec, pod.where, "serviceAccountName")
    yield where, "ServiceAccount", name
    yield from _listed(pod.spec, pod.where, "imagePullSecrets", ((), "Secret", "name"))
    for place, volume in entries_of(*_at(pod.spec, pod.where, "volumes")):
        yield from _required(volume, place, (("configMap",), "ConfigMap", "name"))
        yield from _required(volume, place, (("secret",), "Secret", "secretName"))
        projected = value_at(volume, place, "projected")
        for form in _SOURCES:
            yield from _listed(projected[1], projected[0], "sources", form)
    for container in pod.containers:
        for form in _ENV_FROM:
            yield from _listed(container.body, container.where, "envFrom", form)
        for form in _ENV:
            yield from _listed(container.body, container.where, "env", form)


def _at(body: object, where: Path, field: str) -> tuple[object, Path]:
    place, value = value_at(body, where, field)
    return value, place


def _listed(body: object, where: Path, field: str, form: _Form) -> Iterator[_Named]:
    for place, entry in entries_of(*_at(body, where, field)):
        yield from _required(entry, place, form)


def _required(entry: object, place: Path, form: _Form) -> Iterator[_Named]:
    """What an entry names, unless the pod can do without it."""
    steps, kind, field = form
    where, reference = value_at(entry, place, *steps)
    if value_at(reference, where, "optional")[1] is not True:
        at, name = value_at(reference, where, field)
        yield at, kind, name


def _evaluate(observations: Sequence[Observation]) -> Iterator[tuple[Observation, Finding]]:
    there = {
        (observation.namespace, observation.value)
        for observation in observations
        if observation.about == "has"
    }
    for observation in observations:
        if observation.about == "names":
            # A name or a namespace that is not known may be the one.
            kind, name = observation.value
            names = ((kind, name), (kind, _any_made(name)), (kind, UNKNOWN))
            spaces = (observation.namespace, UNKNOWN)
            if observation.namespace is not UNKNOWN and not any(
                (space, name) in there for space in spaces for name in names
            ):
                yield observation, observation.finding


CROSS_RESOURCE_RULES = (
    CrossResourceRule(
        name="reference-target",
        severity=Severity.LOW,
        enforcement=Enforcement.ADVISORY,
        description=(
            "A ConfigMap, Secret or ServiceAccount that a pod names should be in the stack or the "
            "folder that is scanned."
        ),
        remedy="correct the name, define the object too, or mark the reference optional",
        source=(
            "A pod that names an object that is not there waits in CreateContainerConfigError or "
            "is never made, and its workload is accepted all the same"
        ),
        url="https://kubernetes.io/docs/concepts/configuration/secret/",
        limitations=(
            "Objects that are made elsewhere: by an operator, by a chart that is not rendered here "
            "or by another stack. That is why it advises only. The keys in the object; a name from "
            "an Output, which comes from the resource that it names; claims and classes."
        ),
        tags=("correctness",),
        collect=_collect,
        evaluate=_evaluate,
        needs_all=True,
    ),
)
