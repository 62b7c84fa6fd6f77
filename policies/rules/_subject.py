"""What a rule judges: one Kubernetes object or Pulumi resource, and the pods within it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from policies.rules._environment import Environment
from policies.rules._field import value_at
from policies.rules._model import UNKNOWN, Path, Unknown

Body = Mapping[object, object]

_TEMPLATE: Path = ("spec", "template", "spec")
# https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/ and, for ScheduledJob and
# the old groups (extensions/v1beta1, apps/v1beta1, batch/v2alpha1), the releases that had them. The
# group is not looked at: a kind of the same name in another group (OpenKruise's DaemonSet) runs
# pods from the same place.
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
_CONTAINER_FIELDS = ("initContainers", "containers", "ephemeralContainers")
# Modules of the Kubernetes provider, of any version, that hold no objects of the API server.
_NOT_OBJECTS = frozenset({"helm.sh", "yaml", "kustomize"})


@dataclass(frozen=True)
class Container:
    """One container of any sort; `body` is UNKNOWN when the preview does not know it."""

    where: Path
    body: Body | Unknown
    pod: "Pod"

    @property
    def ordinary(self) -> bool:
        """Whether it runs as long as its pod, and not before it or to look into it."""
        return self.where[-2:-1] == ("containers",)

    @cached_property
    def environment(self) -> Environment:
        """Its variables, read once for all rules; none where the container is not known."""
        return Environment(self.where, {} if isinstance(self.body, Unknown) else self.body)


@dataclass(frozen=True)
class Pod:
    """One pod spec, wherever its workload keeps it; `spec` is UNKNOWN when not known.

    `partial` when it is a patch, which leaves alone what it does not say.
    """

    where: Path
    spec: Body | Unknown
    partial: bool = False

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        """Init, ordinary and ephemeral containers. A list that is unknown is one unknown entry."""
        if isinstance(self.spec, Unknown):
            return (Container(self.where, UNKNOWN, self),)
        found: list[Container] = []
        for field in _CONTAINER_FIELDS:
            listed = self.spec.get(field)
            if isinstance(listed, Unknown):
                found.append(Container((*self.where, field), UNKNOWN, self))
            elif isinstance(listed, list):
                found.extend(
                    Container((*self.where, field, position), entry, self)
                    for position, entry in enumerate(listed)
                    if isinstance(entry, Mapping | Unknown)
                )
        return tuple(found)


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

        A part that is not known on the way to a pod spec is given as an unknown pod. A kind that
        is not one of Kubernetes' own is searched in the usual places (Argo's Rollout).
        """
        if self.kind is None:
            return ()
        if isinstance(self.kind, str) and self.kind in _POD_SPEC_AT:
            found = self._descend(_POD_SPEC_AT[self.kind])
            return () if found is None else (found,)
        if isinstance(self.body, Unknown):
            return (Pod(self.where, UNKNOWN),) if isinstance(self.kind, Unknown) else ()
        found_pods = tuple(
            pod
            for path in _POD_SPEC_ANYWHERE
            if (pod := self._descend(path)) is not None
            and isinstance(pod.spec, Mapping)
            and isinstance(pod.spec.get("containers"), list | Unknown)
        )
        if isinstance(self.kind, Unknown):
            return (*found_pods, Pod((*self.where, "kind"), UNKNOWN))
        return found_pods

    def pod_metadata(self, pod: Pod, field: str) -> tuple[Path, object]:
        """The place and value of a field in the metadata that a pod of the subject gets."""
        holder = pod.where[len(self.where) : -1]
        steps = [step for step in (*holder, "metadata", field) if isinstance(step, str)]
        return value_at(self.body, self.where, *steps)

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
    """The objects of one parsed YAML document: one, or the members of a List.

    `kind` is that of a document which does not say it. One that is no mapping holds none.
    """
    if isinstance(document, Mapping):
        yield from _members(Subject(document, _kind_of(document, kind)))


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
        if isinstance(items, Unknown):
            yield Subject(UNKNOWN, member_kind or UNKNOWN, where, subject.token, subject.secrets)
            continue
        # Members are put in backwards, so that they are taken out in their own order.
        for position in range(len(items) - 1, -1, -1):
            member, place = items[position], (*where, position)
            if isinstance(member, Unknown):
                waiting.append(
                    Subject(UNKNOWN, member_kind or UNKNOWN, place, subject.token, subject.secrets)
                )
            elif isinstance(member, Mapping):
                waiting.append(
                    Subject(
                        member,
                        _kind_of(member, member_kind),
                        place,
                        subject.token,
                        subject.secrets,
                    )
                )
