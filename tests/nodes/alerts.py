"""Which of the stack's alerts would fire if the cluster stayed so, in Prometheus' own engine.

The series are those of kube-state-metrics (its docs/metrics, v2.20.0), of the same objects. The
lab has none: a pod of it would be one that the stack does not have.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from settings.names import NAMESPACE
from tests.monitoring.rules import promtool
from workshop.testing.checkout import Completed, passed
from workshop.testing.nodes.fleet import Fleet

_MINUTES, _SECONDS_TO_SETTLE = 10, 45.0
# A kubelet renews its Lease every 10 s.
_SECONDS_OF_A_LEASE = 20.0
_QUERY = 'group by (alertname) (ALERTS{alertstate="firing", alertname!="OceanidMetricsMissing"})'


def assert_firing(fleet: Fleet, folder: Path, *alerts: str) -> None:
    """These alerts would fire in ten minutes, and no others of what these series can tell.

    Kubernetes needs some moments until all its objects say what has happened.
    """
    deadline = time.monotonic() + _SECONDS_TO_SETTLE
    result = _judged(fleet, folder, alerts)
    while result.returncode != 0 and time.monotonic() < deadline:
        time.sleep(1)
        result = _judged(fleet, folder, alerts)
    passed(result)


def _judged(fleet: Fleet, folder: Path, alerts: tuple[str, ...]) -> Completed:
    """What promtool says."""
    (rules,) = fleet.of_kind("PrometheusRule")
    file = folder / "rules.json"
    file.write_text(json.dumps({"groups": rules["spec"]["groups"]}))
    found = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in alerts]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": each} for name, each in series(fleet).items()],
        "promql_expr_test": [
            {"expr": _QUERY, "eval_time": f"{_MINUTES}m", "exp_samples": found},
        ],
    }
    document = {"rule_files": [str(file)], "evaluation_interval": "1m", "tests": [test]}
    path = folder / "test.json"
    path.write_text(json.dumps(document))
    return promtool("test", "rules", str(path))


def series(fleet: Fleet) -> dict[str, str]:
    """Each series, with its values from now on."""
    nodes = fleet.listed("/api/v1/nodes", {})
    leases = fleet.listed("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", {})
    apps = f"/apis/apps/v1/namespaces/{NAMESPACE}"
    found: dict[str, str] = {}
    for node in nodes:
        conditions = {each["type"]: each["status"] for each in node["status"]["conditions"]}
        name = _named("kube_node_status_condition", node=_name(node), condition="Ready")
        found[f'{name[:-1]}, status="true"}}'] = _steady(conditions["Ready"] == "True")
    for lease in leases:
        renewed = datetime.fromisoformat(lease["spec"]["renewTime"])
        alive = (datetime.now(UTC) - renewed).total_seconds() < _SECONDS_OF_A_LEASE
        name = _named("kube_lease_renew_time", namespace="kube-node-lease", lease=_name(lease))
        found[name] = f"0+60x{_MINUTES}" if alive else _steady(0)
    for each in fleet.listed(f"{apps}/daemonsets", {}):
        status = each["status"]
        for metric, key in (
            ("kube_daemonset_status_desired_number_scheduled", "desiredNumberScheduled"),
            ("kube_daemonset_status_number_ready", "numberReady"),
        ):
            found[_named(metric, namespace=NAMESPACE, daemonset=_name(each))] = _steady(status[key])
    for each in fleet.listed(f"{apps}/statefulsets", {}):
        metric = "kube_statefulset_status_replicas_ready"
        ready = each["status"].get("readyReplicas", 0)
        found[_named(metric, namespace=NAMESPACE, statefulset=_name(each))] = _steady(ready)
    for pod in fleet.listed(f"/api/v1/namespaces/{NAMESPACE}/pods", {}):
        (owner,) = pod["metadata"]["ownerReferences"]
        info = {
            "namespace": NAMESPACE,
            "pod": _name(pod),
            "node": pod["spec"].get("nodeName", ""),
            "created_by_kind": owner["kind"],
            "created_by_name": owner["name"],
            "host_network": str(pod["spec"].get("hostNetwork", False)).lower(),
        }
        found[_named("kube_pod_info", **info)] = _steady(1)
    return found


def _name(manifest: dict[str, Any]) -> str:
    return str(manifest["metadata"]["name"])


def _named(metric: str, **labels: str) -> str:
    matchers = (f'{key}="{value}"' for key, value in labels.items())
    return f"{metric}{{{', '.join(matchers)}}}"


def _steady(value: float) -> str:
    return f"{int(value)}x{_MINUTES}"
