"""What the rules cannot see is said, and never passed over in silence."""

from collections.abc import Iterator, Mapping

from policies.rules._model import UNKNOWN, Enforcement, Finding, Rule, Severity
from policies.rules._subject import Subject

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
_KINDS = frozenset(kind for kind, _ in _CONTROLLED)


def _check(subject: Subject) -> Iterator[Finding]:
    if subject.token in _PULUMI:
        yield Finding.fires(subject.where, _UNSEEN)
    elif subject.kind is UNKNOWN:
        yield Finding.unjudged((*subject.where, "kind"))
    elif isinstance(subject.kind, str) and subject.kind in _KINDS:
        version = subject.body.get("apiVersion") if isinstance(subject.body, Mapping) else UNKNOWN
        if version is UNKNOWN:
            yield Finding.unjudged((*subject.where, "apiVersion"))
        elif isinstance(version, str) and (
            (subject.kind, version.partition("/")[0]) in _CONTROLLED
        ):
            yield Finding.fires((*subject.where, "kind"), _UNSEEN)


RULES = (
    Rule(
        name="not-evaluated",
        severity=Severity.MEDIUM,
        enforcement=Enforcement.ADVISORY,
        description="A chart that is rendered elsewhere is not judged by any rule.",
        remedy=(
            "use the resource kubernetes:helm.sh/v4:Chart, whose objects are judged one by one, or "
            "scan what helm template prints; the admission policies judge it in the cluster"
        ),
        source="2025-10-12: a chart brought pods that its namespace refused, and no tool said so",
        url="https://www.pulumi.com/registry/packages/kubernetes/api-docs/helm/v4/chart/",
        blind_to=(
            "A Chart with an argument that a preview does not know renders nothing in that "
            "preview: its objects are judged on update, before each is touched."
        ),
        check=_check,
        tags=("visibility",),
    ),
)
