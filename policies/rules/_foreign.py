"""Objects of other groups than Kubernetes' own: where pods may stand in them."""

from collections.abc import Collection, Iterator, Mapping

from ._model import Path, Unknown

# The groups of Kubernetes 1.35 that have a dot; the others have none. In "core" the provider keeps
# what has no group.
_OWN = frozenset(
    f"{name}.k8s.io"
    for name in (
        *("admissionregistration", "apiextensions", "apiregistration", "authentication"),
        *("authorization", "certificates", "coordination", "discovery", "events"),
        *("flowcontrol.apiserver", "internal.apiserver", "metrics", "networking", "node"),
        *("rbac.authorization", "resource", "scheduling", "storage", "storagemigration"),
        "kustomize.config",
    )
)
# Groups whose objects hold what looks like a pod and is none: the patterns of policies, and the
# names of images that are watched in a registry.
_WITHOUT_PODS = frozenset({"kyverno.io", "policies.kyverno.io", "image.toolkit.fluxcd.io"})
# Fields that say how a pod runs; where one stands, something makes a pod of it.
_OF_PODS = frozenset(
    {
        *("hostNetwork", "hostPID", "hostIPC", "hostPath", "privileged", "tolerations"),
        *("securityContext", "podSecurityContext", "containerSecurityContext"),
        *("image", "imageName"),
    }
)
# Not what the object asks for, but its name and what its controller says of it.
_BESIDE = ("apiVersion", "kind", "metadata", "status")
_Node = tuple[Path, object]


def is_foreign(group: str) -> bool:
    """Whether objects of the group come from somewhere else and may hold pods."""
    return "." in group and group not in _OWN and group not in _WITHOUT_PODS


def pod_specs(
    body: Mapping[object, object], where: Path
) -> Iterator[tuple[Path, dict[object, object]]]:
    """Every mapping that has a list of containers, and its place, in the document's order."""
    for place, node in _mappings(body, where):
        if _is_pod(node):
            yield place, node


def pod_field(body: Mapping[object, object], where: Path, pods: Collection[Path]) -> Path | None:
    """The place of the first field of a pod that stands outside of the pods at `pods`."""
    for place, node in _mappings(body, where, pods):
        if place not in pods and not _OF_PODS.isdisjoint(node):
            for name, value in node.items():
                if name in _OF_PODS and isinstance(name, str) and value not in (None, "", [], {}):
                    return (*place, name)
    return None


def _is_pod(node: Mapping[object, object]) -> bool:
    listed = node.get("containers")
    return isinstance(listed, Unknown) or (
        isinstance(listed, list)
        and any(
            isinstance(entry, Unknown)
            or (isinstance(entry, dict) and ("image" in entry or "name" in entry))
            for entry in listed
        )
    )


def _mappings(
    body: Mapping[object, object], where: Path, pods: Collection[Path] = ()
) -> Iterator[tuple[Path, dict[object, object]]]:
    """Every mapping, each once, the outer ones first; what is in a pod is left out."""
    rest = {key: value for key, value in body.items() if key not in _BESIDE}
    waiting: list[_Node] = [(where, rest)]
    seen: set[int] = set()  # YAML aliases can make a document contain itself
    while waiting:
        place, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, dict):
            yield place, node
            if _is_pod(node) or place in pods:
                continue
            inner: list[_Node] = [
                ((*place, key), value)
                for key, value in node.items()
                if isinstance(value, dict | list) and isinstance(key, str)
            ]
        elif isinstance(node, list):
            inner = [
                ((*place, number), value)
                for number, value in enumerate(node)
                if isinstance(value, dict | list)
            ]
        else:
            inner = []
        waiting.extend(reversed(inner))
