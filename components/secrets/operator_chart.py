"""Values of the External Secrets Operator's chart, for every line from 0.19 on.

The charts of v0.19.2 and v1.3.2 are deployed with them in tests, through the policies. That of
2.9.0 has only been read: it ought to take them. A key that a line does not know is ignored by it:
no schema of these refuses one.
"""

from typing import Any

from ..cluster.labels import HOSTNAME_LABEL

RELEASE = "external-secrets"
# Where each part's pods listen (the chart's own defaults).
WEBHOOK_PORT = 10250
METRICS_PORT = 8080
# By part: the suffix that its Deployment and its pods' labels carry.
CONTROLLER = RELEASE
WEBHOOK = f"{RELEASE}-webhook"
CERTIFICATES = f"{RELEASE}-cert-controller"


def pod_labels(part: str) -> dict[str, str]:
    """The labels by which the chart's own selectors find the pods of a part."""
    return {"app.kubernetes.io/name": part, "app.kubernetes.io/instance": RELEASE}


def every_pod_labels() -> dict[str, str]:
    """The label that the pods of all parts have in common."""
    return {"app.kubernetes.io/instance": RELEASE}


def values(
    *,
    only_namespace: str | None,
    cluster_kinds: bool,
    webhook: bool,
    tolerations: list[dict[str, str | int]],
) -> dict[str, Any]:
    """The chart's values: two of each part that is asked or that serves, least rights, no extras.

    With `only_namespace` the operator looks at nothing else in the cluster. RBAC is not the
    chart's: its roles read every Secret of the cluster for the certificates' sake alone.
    """
    return {
        "fullnameOverride": RELEASE,
        "installCRDs": False,
        "rbac": {
            "create": False,
            "serviceAccountTokenCreate": False,
            "servicebindings": {"create": False},
        },
        "scopedNamespace": only_namespace or "",
        "scopedRBAC": only_namespace is not None,
        "processClusterExternalSecret": cluster_kinds,
        "processClusterStore": cluster_kinds,
        "processClusterGenerator": False,
        "processPushSecret": False,
        "processClusterPushSecret": False,
        # The certificate controller would otherwise wait for a resource that nobody made.
        "crds": {"createClusterSecretStore": cluster_kinds},
        "leaderElect": True,
        "replicaCount": 2,
        "podDisruptionBudget": {"enabled": True, "minAvailable": 1},
        "resources": _resources(memory="256Mi"),
        "affinity": _apart(CONTROLLER),
        "tolerations": tolerations,
        "livenessProbe": {"enabled": True},
        "readinessProbe": {"enabled": True},
        "webhook": {
            "create": webhook,
            "failurePolicy": "Fail",
            "replicaCount": 2,
            "podDisruptionBudget": {"enabled": True, "minAvailable": 1},
            "resources": _resources(memory="128Mi"),
            "affinity": _apart(WEBHOOK),
            "tolerations": tolerations,
            "livenessProbe": {"enabled": True},
            # Its Deployment is waited for, and that is ready when the Service has somebody.
            "service": {"annotations": {"pulumi.com/skipAwait": "true"}},
        },
        # One is enough: it renews a certificate of ten years, and what it does can wait a restart.
        "certController": {
            "create": webhook,
            "rbac": {"create": False},
            "resources": _resources(memory="128Mi"),
            "tolerations": tolerations,
            "livenessProbe": {"enabled": True},
        },
    }


def _resources(*, memory: str) -> dict[str, Any]:
    return {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": memory}}


def _apart(part: str) -> dict[str, Any]:
    """On different nodes where there are several: a node that is lost takes one of the two."""
    term = {
        "topologyKey": HOSTNAME_LABEL,
        "labelSelector": {"matchLabels": pod_labels(part)},
    }
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
