"""What somebody else runs where the stack takes a namespace, or shares the cluster's objects."""

from collections.abc import Iterator

from operations.kubernetes.client import Document
from operations.kubernetes.objects import annotations_of, labels_of, name_of
from operations.preflight.finding import PreflightFinding, listed, ok, warn
from operations.preflight.view import View
from operations.preflight.workload import NAME_LABEL, WORKLOADS, is_ours, title
from settings import Settings
from settings.names import NAMESPACE, SECRETS_NAMESPACE

# The chart's workloads are named after its release (components/secrets/operator_chart.py). Helm
# itself marks what it installs; the engine, which renders the chart, does not.
_OPERATOR, _HELM = "external-secrets", "meta.helm.sh/release-name"


def check(settings: Settings, cluster: View) -> Iterator[PreflightFinding]:
    """A finding for each namespace that others use as well, and for each operator of others."""
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
        yield warn(
            listed(sorted(titles)),
            f"not this stack's, but in {namespace}: the stack denies all traffic there, enforces "
            "Pod Security's restricted, and a destroy deletes the namespace",
            "move it to another namespace before the next update",
        )
    if operators:
        yield warn(
            listed(sorted(operators)),
            "another External Secrets Operator: the two share their CRDs and webhook "
            "configurations, which an update of this stack replaces, and a destroy removes the "
            "configurations",
            "have one of them in a cluster: leave externalSecrets out, or uninstall the other and "
            "keep its CRDs",
        )
    if not strangers and not operators:
        what = "nobody else uses them, nor another External Secrets Operator"
        yield ok("the stack's namespaces", what)


def _is_stranger(workload: Document, settings: Settings) -> bool:
    namespace = workload["metadata"]["namespace"]
    if namespace == NAMESPACE:
        return not is_ours(workload)
    if namespace != SECRETS_NAMESPACE or settings.external_secrets is None:
        return False
    return _HELM in annotations_of(workload) or not f"{name_of(workload)}-".startswith(
        f"{_OPERATOR}-"
    )


def _is_operator(workload: Document, settings: Settings) -> bool:
    return (
        settings.external_secrets is not None and labels_of(workload).get(NAME_LABEL) == _OPERATOR
    )
