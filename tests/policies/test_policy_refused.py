"""What the API server will refuse of the workloads that it has, told before it does."""

from datetime import date

from policies.exceptions import DatedException, Enforcer, Exceptions
from policies.refused import refusals

_TODAY = date(2026, 11, 21)
_AGENT = {
    "kind": "DaemonSet",
    "metadata": {"namespace": "monitoring", "name": "agent"},
    "spec": {
        "template": {
            "spec": {
                "nodeSelector": {"disk": "ssd"},
                "containers": [{"name": "main", "image": "docker.io/library/agent:1.0.0"}],
                "volumes": [{"name": "root", "hostPath": {"path": "/"}}],
            }
        }
    },
}


def _except(enforcer: Enforcer) -> Exceptions:
    entry = DatedException(
        "host-path", "DaemonSet monitoring/agent", "its figures", _TODAY, frozenset({enforcer})
    )
    return Exceptions((entry,), Enforcer.CLUSTER, _TODAY)


def test_an_exception_counts_where_it_is_one_for_the_cluster() -> None:
    assert list(refusals([_AGENT], _except(Enforcer.CLUSTER))) == []
    assert list(refusals([_AGENT], _except(Enforcer.SCAN))) != []
