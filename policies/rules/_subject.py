"""What a rule judges: one Kubernetes object or Pulumi resource, and the pods within it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ._field import entries_of, value_at
from ._foreign import is_foreign, pod_specs
from ._model import UNKNOWN, Path, Unknown
from ._pod import Body, Container, Pod

__all__ = [
    "Body",
    "Container",
    "Pod",
    "Subject",
    "subjects_of_manifest",
    "subjects_of_resource",
]

_TEMPLATE: Path = ("spec", "template", "spec")
# https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/ and, for ScheduledJob and
# the old groups (extensions/v1beta1, apps/v1beta1, batch/v2alpha1), the releases that had them. A
# kind of the same name in another group (OpenKruise's DaemonSet) may run pods from the same place,
# and from others (the tasks of Volcano's Job).
_POD_SPEC_AT: dict[str, Path] = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "Deployment": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "ReplicaSet": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "Job": _TEMPLATE,
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
    "ScheduledJob": ("spec", "jobTemplate", *_TEMPLATE),
}
_POD_SPEC_ANYWHERE: tuple[Path, ...] = tuple(dict.fromkeys(_POD_SPEC_AT.values()))
# Modules of the Kubernetes provider, of any version, that hold no objects of the API server.
_NOT_OBJECTS = frozenset({"helm.sh", "yaml", "kustomize"})


@dataclass(frozen=True)
class Subject:
    """One object to judge, with what is known about where it came from.

    `kind` is the kind of the object without ``Patch``, UNKNOWN, or None for what is not a
    Kubernetes object. `where` is its place in the document it came in, which is not the root for
    the members of a List. `token` is its Pulumi type, or None for a manifest from a file.
    `secrets` holds the paths whose values Pulumi keeps encrypted, or None when the caller cannot
    know; then whatever may be encrypted counts as encrypted. `name` is its name in a Pulumi
    program.
    """

    body: Body | Unknown
    kind: str | Unknown | None
    where: Path = ()
    token: str | None = None
    secrets: frozenset[Path] | None = frozenset()
    name: str | None = None

    @cached_property
    def identity(self) -> str:
        """Which resource it is: ``DaemonSet monitoring/agent``, ``ClusterRole admin``.

        What is not an object of Kubernetes, or has no name in its metadata, is named by its type
        and its name in the Pulumi program.
        """
        metadata = self.body.get("metadata") if isinstance(self.body, Mapping) else None
        held = metadata if isinstance(metadata, Mapping) else {}
        name, namespace = held.get("name"), held.get("namespace")
        kind = self.kind if isinstance(self.kind, str) else (self.token or "document")
        text = name if isinstance(name, str) and name else (self.name or "?")
        prefix = f"{namespace}/" if isinstance(namespace, str) and namespace else ""
        return f"{kind} {prefix}{text}"

    @property
    def partial(self) -> bool:
        """Whether it changes an object that is there, so that what it lacks says nothing."""
        return self.token is not None and self.token.endswith("Patch")

    def encrypted(self, where: Path) -> bool:
        """Whether Pulumi keeps the value at `where` encrypted. Never so in a manifest."""
        if self.secrets is None:
            return True
        return bool(self.secrets) and any(
            where[:length] in self.secrets for length in range(len(where) + 1)
        )

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """Every pod spec in the object, found once for all rules.

        A part that is not known on the way to a pod spec is given as an unknown pod. An object of
        another group than Kubernetes' own is searched everywhere (Argo's Rollout, Volcano's Job).
        """
        kind, body, group = self.kind, self.body, self.group
        if kind is None:
            return ()
        usual = _POD_SPEC_AT.get(kind) if isinstance(kind, str) else None
        if usual is not None:
            pod = self._descend(usual)
            pods = () if pod is None else (pod,)
            return self._searched(pods) if self.foreign else pods
        if isinstance(body, Unknown):
            return (Pod(self.where, UNKNOWN),) if isinstance(kind, Unknown) else ()
        if isinstance(kind, Unknown):
            return (*self._usual(), Pod((*self.where, "kind"), UNKNOWN))
        if self.foreign:
            return self._searched(self._usual())
        return () if group is not None else self._usual()

    @cached_property
    def group(self) -> str | None:
        """The group of the object's API, by its version or its Pulumi type; None where unsaid."""
        stated = self.body.get("apiVersion") if isinstance(self.body, Mapping) else None
        if not isinstance(stated, str) and self.token is not None:
            stated = self.token.partition(":")[2].rpartition(":")[0]
        return stated.rpartition("/")[0] if isinstance(stated, str) else None

    @cached_property
    def foreign(self) -> bool:
        """Whether it is an object of a group that is not one of Kubernetes' own."""
        return self.group is not None and self.kind is not None and is_foreign(self.group)

    def _usual(self) -> tuple[Pod, ...]:
        """The pods in the places where Kubernetes' own kinds keep them."""
        return tuple(
            pod
            for path in _POD_SPEC_ANYWHERE
            if (pod := self._descend(path)) is not None
            and isinstance(pod.spec, Mapping)
            and isinstance(pod.spec.get("containers"), list | Unknown)
        )

    def _searched(self, known: tuple[Pod, ...]) -> tuple[Pod, ...]:
        """The pods that are known already, and those anywhere else in the object."""
        if not isinstance(self.body, Mapping):
            return known
        places = {pod.where for pod in known}
        others = (
            Pod(where, spec, self.partial)
            for where, spec in pod_specs(self.body, self.where)
            if where not in places
        )
        return (*known, *others)

    def pod_metadata(self, pod: Pod, field: str) -> tuple[Path, object]:
        """The place and value of a field in the metadata that a pod of the subject gets."""
        value: object = self.body
        for step in pod.where[len(self.where) : -1]:
            if isinstance(step, int):
                value = value[step] if isinstance(value, list) and step < len(value) else None
            else:
                value = value.get(step) if isinstance(value, Mapping) else value
        return value_at(value, pod.where[:-1], "metadata", field)

    def _descend(self, path: Path) -> Pod | None:
        """Follow `path` to a pod; stop at what is unknown, give up at what is absent."""
        value: object = self.body
        where = self.where
        for step in path:
            if not isinstance(value, Mapping):
                break
            value, where = value.get(step), (*where, step)
        if isinstance(value, Mapping | Unknown):
            return Pod(where, value, self.partial)
        return None


def subjects_of_manifest(document: object, kind: str | None = None) -> Iterator[Subject]:
    """The objects of one parsed YAML document: one, or the members of a list or a List.

    `kind` is that of a document which does not say it. What is no object is given as a subject
    without a kind, in which keys in plain text are looked for.
    """
    if isinstance(document, Mapping):
        yield from _members(Subject(document, _kind_of(document, kind)))
    elif isinstance(document, list):
        for position, member in enumerate(document):
            if isinstance(member, Mapping):
                yield from _members(Subject(member, _kind_of(member, kind), (position,)))
            else:
                yield Subject({position: member}, None)
    elif document is not None:
        yield Subject({"": document}, None)


def subjects_of_resource(
    token: str, body: Body, secrets: frozenset[Path] | None, named: str | None = None
) -> Iterator[Subject]:
    """The objects of one Pulumi resource, which its program calls `named`.

    `token` is its type, such as ``kubernetes:apps/v1:DaemonSetPatch``; `body` its inputs with
    UNKNOWN for what is not known; `secrets` as in `Subject`.
    """
    package, _, rest = token.partition(":")
    module, _, name = rest.rpartition(":")
    if package == "kubernetes" and module and module.partition("/")[0] not in _NOT_OBJECTS:
        kind = _kind_of(body, name)
        yield from _members(Subject(body, kind, token=token, secrets=secrets, name=named))
    else:
        yield Subject(body, None, token=token, secrets=secrets, name=named)


def _kind_of(body: Body, fallback: str | None) -> str | Unknown | None:
    """The object's own kind: it is what the API server sees, whatever the Pulumi type says."""
    stated = body.get("kind")
    if isinstance(stated, Unknown):
        return fallback.removesuffix("Patch") if fallback else UNKNOWN
    if isinstance(stated, str) and stated:
        return _without_patch(stated)
    return fallback.removesuffix("Patch") if fallback else None


def _without_patch(kind: str) -> str:
    base = kind.removesuffix("Patch")
    return base if base in _POD_SPEC_AT or base in {"Secret", "ConfigMap"} else kind


def _members(subject: Subject) -> Iterator[Subject]:
    """The subject itself, or for a List its members, however deeply the lists are nested."""
    waiting = [subject]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        kind, body = current.kind, current.body
        items = body.get("items") if isinstance(body, Mapping) else None
        if (
            not isinstance(kind, str)
            or not kind.endswith("List")
            or not isinstance(items, list | Unknown)
        ):
            yield current
            continue
        if id(items) in seen:  # YAML aliases can make a list contain itself
            continue
        seen.add(id(items))
        member_kind = kind.removesuffix("List") or None
        where = (*current.where, "items")
        # Members are put in backwards, so that they are taken out in their own order.
        for place, member in reversed(list(entries_of(items, where))):
            kind = member_kind or UNKNOWN
            if isinstance(member, Mapping):
                kind = _kind_of(member, member_kind)
            if isinstance(member, Mapping | Unknown):
                waiting.append(Subject(member, kind, place, subject.token, subject.secrets))
