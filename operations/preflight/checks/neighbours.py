"""What somebody else runs where the stack takes a namespace, or shares the cluster's objects."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.kubectl import Document, View
from preflight.result import Result, Verdict, listed
from preflight.workload import WORKLOADS, is_ours, title
from settings import Settings
from settings.names import NAMESPACE, SECRETS_NAMESPACE

CHECK = "neighbours"
# The chart's workloads are named after its release (components/_secrets_operator_chart.py). Helm
# itself marks what it installs; the engine, which renders the chart, does not.
_OPERATOR, _HELM = "external-secrets", "meta.helm.sh/release-name"
_NAME = "app.kubernetes.io/name"


def check(settings: Settings, cluster: View) -> Iterator[Result]:
    """A result for each namespace that others use as well, and for each operator of others."""
    strangers: dict[str, list[str]] = {}
    operators = []
    for kind in WORKLOADS:
        for workload in cluster.items(kind):
            namespace = workload["metadata"]["namespace"]
            if _is_stranger(workload, settings):
                strangers.setdefault(namespace, []).append(title(kind, workload))
            elif namespace != SECRETS_NAMESPACE and _is_operator(workload, settings):
                operators.append(title(kind, workload))
    for namespace, titles in sorted(strangers.items()):
        yield Result(
            check=CHECK,
            verdict=Verdict.WARN,
            where=listed(sorted(titles)),
            what=f"not this stack's, but in {namespace}: the stack denies all traffic there, "
            "enforces Pod Security's restricted, and a destroy deletes the namespace",
            remedy="move it to another namespace before the next update",
        )
    if operators:
        yield Result(
            check=CHECK,
            verdict=Verdict.WARN,
            where=listed(sorted(operators)),
            what="another External Secrets Operator: the two share their CRDs and webhook "
            "configurations, which an update of this stack replaces, and a destroy removes the "
            "configurations",
            remedy="have one of them in a cluster: leave externalSecrets out, or uninstall the "
            "other and keep its CRDs",
        )
    if not strangers and not operators:
        what = "nobody else uses them, nor another External Secrets Operator"
        yield Result(check=CHECK, verdict=Verdict.OK, where="the stack's namespaces", what=what)


def _is_stranger(workload: Document, settings: Settings) -> bool:
    metadata = workload["metadata"]
    if metadata["namespace"] == NAMESPACE:
        return not is_ours(workload)
    if metadata["namespace"] != SECRETS_NAMESPACE or settings.external_secrets is None:
        return False
    of_helm = _HELM in (metadata.get("annotations") or {})
    return of_helm or not f"{metadata['name']}-".startswith(f"{_OPERATOR}-")


def _is_operator(workload: Document, settings: Settings) -> bool:
    labels = workload["metadata"].get("labels") or {}
    return settings.external_secrets is not None and labels.get(_NAME) == _OPERATOR
