"""A look that finds no drift is told to the cluster's monitoring; one that finds some is not."""

from datetime import UTC, datetime

import pytest

from components.cluster.labels import DRIFT_LEASE, GATEWAY
from operations.delivery import drift
from settings.names import NAMESPACE
from workshop.testing.checkout import failed, passed
from workshop.testing.lab_fleet import NAMESPACE_PATH, Fleet

pytestmark = pytest.mark.e2e

_LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{DRIFT_LEASE}"
_SERVICE = f"{NAMESPACE_PATH}/services/{GATEWAY}"


def _renewed(fleet: Fleet) -> datetime:
    return datetime.fromisoformat(fleet.get(_LEASE)["spec"]["renewTime"])


def _label(fleet: Fleet, value: str) -> None:
    fleet.patch(_SERVICE, {"metadata": {"labels": {"app.kubernetes.io/part-of": value}}})


def test_a_look_without_drift_renews_the_lease_and_one_with_drift_leaves_it(
    deployed: Fleet,
) -> None:
    began = datetime.now(UTC)
    passed(deployed.oceanid("drift"))
    renewed = _renewed(deployed)
    assert began <= renewed <= datetime.now(UTC)

    _label(deployed, "somebody")
    try:
        failed(deployed.oceanid("drift"))
        assert _renewed(deployed) == renewed
    finally:
        _label(deployed, "oceanid")


def test_a_cluster_that_cannot_be_told_does_not_fail_the_look(deployed: Fleet) -> None:
    environment = {**deployed.environment, "KUBECONFIG": str(deployed.home.kubeconfig)}
    why = drift.renew_lease("no-such-context", environment)
    assert why is not None
    assert "no-such-context" in why
