"""What somebody else runs where the stack takes a namespace, or shares the cluster's objects."""

from typing import Any

import pytest

from operations.preflight.checks import neighbours
from operations.preflight.finding import PreflightFinding, Verdict
from tests.unit.seen_cluster import prod, view, workload

_OURS = {"app.kubernetes.io/part-of": "oceanid"}
_OPERATOR = {"app.kubernetes.io/name": "external-secrets"}
_SECRETS = "external-secrets-system"


def _found(*deployments: dict[str, Any], without_secrets: bool = False) -> list[PreflightFinding]:
    settings = prod()
    if without_secrets:
        settings = settings.model_copy(update={"external_secrets": None})
    return list(neighbours.check(settings, view(deployments=list(deployments))))


def test_the_stacks_own_workloads_are_nobody_elses() -> None:
    own = workload("oceanid-gateway", namespace="oceanid-egress", labels=_OURS)
    chart = [
        workload(name, namespace=_SECRETS, labels=_OPERATOR)
        for name in ("external-secrets", "external-secrets-webhook")
    ]
    (result,) = _found(own, *chart, workload("web"))
    assert result.verdict is Verdict.OK


def test_a_workload_in_a_namespace_that_the_stack_takes_is_a_warning() -> None:
    (result,) = _found(workload("proxy", namespace="oceanid-egress"))
    assert (result.verdict, result.where) == (Verdict.WARN, "Deployment oceanid-egress/proxy")
    assert "a destroy deletes the namespace" in result.what


@pytest.mark.parametrize(
    ("name", "namespace"), [("external-secrets", _SECRETS), ("eso", "platform")]
)
def test_an_operator_that_somebody_else_has_installed_is_a_warning(
    name: str, namespace: str
) -> None:
    other = workload(name, namespace=namespace, labels=_OPERATOR)
    if namespace == _SECRETS:
        other["metadata"]["annotations"] = {"meta.helm.sh/release-name": "external-secrets"}
    (result,) = _found(other)
    assert (result.verdict, result.where) == (Verdict.WARN, f"Deployment {namespace}/{name}")
    assert _found(other, without_secrets=True)[0].verdict is Verdict.OK
