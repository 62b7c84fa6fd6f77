"""A look that finds no drift is told to the cluster's monitoring; one that finds some is not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from components._labels import DRIFT_LEASE
from delivery import drift_lease
from settings.names import NAMESPACE
from tests.delivery.checkout import said
from tests.e2e.fleet import Fleet

pytestmark = pytest.mark.e2e

_LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{drift_lease.NAME}"
_SERVICE = f"/api/v1/namespaces/{NAMESPACE}/services/oceanid-gateway"
_MERGE = {"content-type": "application/merge-patch+json"}


def _renewed(fleet: Fleet) -> datetime:
    return datetime.fromisoformat(fleet.get(_LEASE)["spec"]["renewTime"])


def _label(fleet: Fleet, value: str) -> None:
    change: dict[str, Any] = {"metadata": {"labels": {"app.kubernetes.io/part-of": value}}}
    with fleet.api() as api:
        api.patch(_SERVICE, json=change, headers=_MERGE).raise_for_status()


def test_the_alert_looks_at_this_lease() -> None:
    assert drift_lease.NAME == DRIFT_LEASE


def test_a_look_without_drift_renews_the_lease_and_one_with_drift_leaves_it(
    deployed: Fleet,
) -> None:
    began = datetime.now(UTC)
    looked = deployed.delivery("drift")
    assert looked.returncode == 0, said(looked)
    renewed = _renewed(deployed)
    assert began <= renewed <= datetime.now(UTC)

    _label(deployed, "somebody")
    try:
        looked = deployed.delivery("drift")
        assert looked.returncode != 0, said(looked)
        assert _renewed(deployed) == renewed
    finally:
        _label(deployed, "oceanid")


def test_a_cluster_that_cannot_be_told_does_not_fail_the_look(deployed: Fleet) -> None:
    environment = {**deployed.environment, "KUBECONFIG": str(deployed.home.kubeconfig)}
    why = drift_lease.renew("no-such-context", environment)
    assert why is not None
    assert "no-such-context" in why
