"""The Lease that tells the cluster's monitoring when the stack was last found without drift.

Nothing exports metrics of a database's firewall. A Lease's age is one of kube-state-metrics', and
an alert on it (components/monitoring/alerts.yaml) fires when there is drift, and when nobody looks.
"""

from datetime import UTC, datetime

from components.cluster.labels import DRIFT_LEASE
from operations.kubernetes.client import KubernetesClient
from operations.kubernetes.errors import RequestError
from settings.names import NAMESPACE

_PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{DRIFT_LEASE}"


def renew(context: str, environment: dict[str, str]) -> str | None:
    """Note that just now there was no drift; None, or in one line why it could not be noted.

    `context` is the kubeconfig's, `environment` the stack's. The right to patch and create this
    Lease is all that it takes.
    """
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": DRIFT_LEASE, "namespace": NAMESPACE},
        "spec": {
            "holderIdentity": "oceanid drift",
            # Kubernetes' MicroTime: RFC 3339 with six digits.
            "renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    }
    try:
        with KubernetesClient(context=context, environment=environment) as client:
            client.apply(_PATH, lease, manager=DRIFT_LEASE)
    except RequestError as error:
        return str(error)
    return None
