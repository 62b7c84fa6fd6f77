"""What the rules cannot see is said, and never passed over in silence."""

import re
from collections.abc import Iterator, Mapping

from ._check import wrong
from ._field import entries_of
from ._field_types import POD, mistyped
from ._foreign import pod_field
from ._keys import key_in
from ._model import UNKNOWN, Enforcement, Finding, Path, Rule, Severity
from ._subject import Body, Subject

_UNSEEN = "not evaluated: what it will put into the cluster is not in this document"
_PULUMI = ("kubernetes:helm.sh/v3:Release",)
# Kind and the group of the API: what a controller in the cluster will render or fetch.
_CONTROLLED = {
    ("HelmRelease", "helm.toolkit.fluxcd.io"),
    ("HelmRelease", "helm.fluxcd.io"),
    ("Kustomization", "kustomize.toolkit.fluxcd.io"),
    ("HelmChart", "helm.cattle.io"),
    ("HelmChartConfig", "helm.cattle.io"),
    ("Application", "argoproj.io"),
    ("ApplicationSet", "argoproj.io"),
}
# What kustomize itself reads; a file named kustomization.yaml need not say so.
_KUSTOMIZE = {
    ("Kustomization", "kustomize.config.k8s.io"),
    ("Component", "kustomize.config.k8s.io"),
}
_KINDS = frozenset(kind for kind, _ in _CONTROLLED | _KUSTOMIZE)
_PARTS = ("resources", "bases", "components")
# Fields that put nothing into the cluster but the files they name, which are scanned themselves.
_HARMLESS = frozenset({"apiVersion", "kind", "metadata", "buildMetadata", "sortOptions", *_PARTS})
_REMOTE = re.compile(
    r"://|^git@|[?&](?:ref|version)=|^[\w-]+(?:\.[\w-]+)+[:/](?!.*\.(?:ya?ml|json)$)"
)
_ELSEWHERE = "not evaluated: what it leads to is not here"
_CHANGED = (
    "not evaluated: kustomize adds to or changes the objects, which are judged as they are here"
)
_POD_FIELD = (
    "not evaluated: a field of pods stands here, and no rule knows the pod that is made of it"
)
_OTHERWISE = "not evaluated: it is not what a pod has here, so the rules do not see what is in it"
_CHART = "not evaluated: a chart's objects are not here before Helm has rendered them"


def _check(subject: Subject) -> Iterator[Finding]:
    if subject.token in _PULUMI:
        yield Finding.fires(subject.where, _UNSEEN)
    elif subject.kind is UNKNOWN:
        yield Finding.unjudged((*subject.where, "kind"))
    elif subject.kind == "Chart" and isinstance(subject.body, Mapping):
        if "/" not in str(subject.body.get("apiVersion")):  # or it is an object of some group
            held = "dependencies" if subject.body.get("dependencies") else "name"
            yield Finding.fires((*subject.where, held), _CHART)
    elif isinstance(subject.kind, str) and subject.kind in _KINDS:
        version = subject.body.get("apiVersion") if isinstance(subject.body, Mapping) else UNKNOWN
        if version is UNKNOWN:
            yield Finding.unjudged((*subject.where, "apiVersion"))
            return
        group = version.partition("/")[0] if isinstance(version, str) else "kustomize.config.k8s.io"
        if (subject.kind, group) in _CONTROLLED:
            yield Finding.fires((*subject.where, "kind"), _UNSEEN)
        elif (subject.kind, group) in _KUSTOMIZE and isinstance(subject.body, Mapping):
            yield from _kustomization(subject.body, subject.where)
    if subject.foreign:
        yield from _of_others(subject)


def _of_others(subject: Subject) -> Iterator[Finding]:
    """What may be a pod in an object whose fields only its controller knows."""
    controlled = (subject.kind, subject.group) in _CONTROLLED
    if isinstance(subject.body, Mapping) and not controlled:
        field = pod_field(subject.body, subject.where, {pod.where for pod in subject.pods})
        if field is not None:
            yield Finding.fires(field, _POD_FIELD)
    for pod in subject.pods:
        for place in mistyped(pod.spec, POD, pod.where):
            yield Finding.fires(place, _OTHERWISE)


def _kustomization(body: Body, where: Path) -> Iterator[Finding]:
    for field, value in body.items():
        if field not in _HARMLESS and value not in (None, "", [], {}):
            yield Finding.fires((*where, "..." if key_in(str(field)) else str(field)), _CHANGED)
    for field in _PARTS:
        entries = entries_of(body.get(field), (*where, field))
        yield from wrong(entries, _is_remote, _ELSEWHERE)


def _is_remote(entry: object) -> bool:
    return isinstance(entry, str) and _REMOTE.search(entry) is not None


RULES = (
    Rule(
        name="not-evaluated",
        severity=Severity.MEDIUM,
        enforcement=Enforcement.ADVISORY,
        description=(
            "What is rendered or fetched elsewhere, or made into pods by a controller, is not "
            "judged by any rule."
        ),
        remedy=(
            "use the resource kubernetes:helm.sh/v4:Chart, whose objects are judged one by one, or "
            "scan what helm template or kustomize build prints; the admission policies judge it in "
            "the cluster; a scan accepts it by an exception or --accept-not-evaluated"
        ),
        source="2025-10-12: a chart brought pods that its namespace refused, and no tool said so",
        url="https://www.pulumi.com/registry/packages/kubernetes/api-docs/helm/v4/chart/",
        limitations=(
            "A Chart with an argument that a preview does not know renders nothing in that "
            "preview: its objects are judged on update, before each is touched. Whether the files "
            "that a kustomization names are among those that are scanned. An object of another "
            "group that says nothing of the pods its controller makes: the admission policies "
            "judge those in the cluster."
        ),
        check=_check,
        tags=("visibility",),
    ),
)
