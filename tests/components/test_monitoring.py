"""What the stack gives Prometheus and Grafana, and when."""

import json
import re
from datetime import datetime
from typing import Any

import pulumi
import pytest

from settings import MonitoringMode
from workshop.testing.recording import CRDS, KEY_ENDS, Recording, World, configured, record_stack

_WITHOUT = World(groups=("apps",))
_CUSTOM = "kubernetes:monitoring.coreos.com/v1:"
_EGRESS = "oceanid-egress"


def _made(recording: Recording) -> list[str]:
    return [each.typ for each in recording.resources if each.typ.startswith(_CUSTOM)]


def _spec(recording: Recording, kind: str, name: str) -> dict[str, Any]:
    found = recording.of_type(f"{_CUSTOM}{kind}")
    (spec,) = [each["spec"] for each in found if each["metadata"]["name"] == name]
    return dict(spec)


def _modules(recording: Recording) -> dict[str, Any]:
    config = json.loads(recording.named("monitoring-prober-config")["data"]["prober.json"])
    return dict(config["modules"])


def _policy(recording: Recording, name: str) -> dict[str, Any]:
    found = recording.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    (spec,) = [each["spec"] for each in found if each["metadata"]["name"] == name]
    return dict(spec)


@pytest.mark.parametrize(
    ("mode", "world", "there"),
    [
        (MonitoringMode.WHEN_INSTALLED, World(), True),
        (MonitoringMode.WHEN_INSTALLED, _WITHOUT, False),
        (MonitoringMode.ALWAYS, _WITHOUT, True),
        (MonitoringMode.ALWAYS, World(groups=None), True),
        (MonitoringMode.NEVER, World(), False),
    ],
)
def test_monitoring_is_there_when_the_operators_kinds_are_or_the_settings_say_so(
    mode: MonitoringMode,
    world: World,
    there: bool,  # noqa: FBT001  a parameter of the cases above
) -> None:
    recording = record_stack("dev", world, monitoring={"enabled": mode.value})
    assert bool(_made(recording)) == there
    assert ("alerts" in recording.outputs) == there


def test_monitoring_is_not_taken_away_because_the_cluster_cannot_be_asked() -> None:
    with pytest.raises(pulumi.RunError, match="API groups cannot be seen"):
        record_stack("dev", World(groups=None), monitoring={"enabled": "when-installed"})


def test_every_gateway_is_asked_for_every_destination_and_its_address() -> None:
    spec = _spec(record_stack("dev"), "PodMonitor", "oceanid-probes")
    asked = [each["params"]["module"] for each in spec["podMetricsEndpoints"]]
    destinations = [destination["name"] for destination in configured("egress")["destinations"]]
    assert asked == [[f"by-gateway-{name}"] for name in ("egress-address", *destinations)]
    assert spec["selector"]["matchLabels"]["app.kubernetes.io/name"] == "oceanid-gateway"


def test_every_module_that_a_monitor_names_is_the_probers(recording: Recording) -> None:
    named = {
        each["params"]["module"][0]
        for each in _spec(recording, "PodMonitor", "oceanid-probes")["podMetricsEndpoints"]
    } | {each["spec"]["module"] for each in recording.of_type(f"{_CUSTOM}Probe")}
    assert named == set(_modules(recording))


def test_every_port_that_a_monitor_names_is_a_port_of_its_pods(recording: Recording) -> None:
    stateful_set = recording.of_type("kubernetes:apps/v1:StatefulSet")[0]
    daemon_set = recording.of_type("kubernetes:apps/v1:DaemonSet")[0]
    for name, workload in (
        ("oceanid-exit-nodes", stateful_set),
        ("oceanid-gateways", daemon_set),
        ("oceanid-probes", daemon_set),
    ):
        ports = {
            port.get("name")
            for container in workload["spec"]["template"]["spec"]["containers"]
            for port in container["ports"]
        }
        endpoints = _spec(recording, "PodMonitor", name)["podMetricsEndpoints"]
        assert {each["port"] for each in endpoints} <= ports


def test_the_address_seen_by_an_application_must_be_an_exit_nodes(recording: Recording) -> None:
    http = _modules(recording)["by-service-egress-address"]["http"]
    addresses = [re.escape(node["egressAddress"]) for node in configured("exitNodes")]
    assert http["fail_if_body_not_matches_regexp"] == [rf"^\s*({'|'.join(addresses)})\s*$"]
    assert http["proxy_url"] == f"http://oceanid-gateway.{_EGRESS}.svc:3128"


def test_an_https_destination_works_by_a_2xx_and_s3_by_turning_strangers_away_too() -> None:
    egress = configured("egress")
    plain = {key: value for key, value in egress["destinations"][1].items() if key != "probe"}
    egress["destinations"].append(plain | {"name": "plain", "localPort": 15444, "port": 444})
    modules = _modules(record_stack("dev", egress=egress))
    assert 403 in modules["by-service-s3"]["http"]["valid_status_codes"]
    # The exporter's own choice: a 2xx.
    assert modules["by-service-plain"]["http"]["valid_status_codes"] == []


def test_only_prometheus_may_scrape() -> None:
    recording = record_stack("dev", monitoring={"prometheusNamespace": "observability"})
    for pods in ("exit-nodes", "gateways", "secrets"):
        (rule,) = _policy(recording, f"oceanid-scrape-{pods}")["ingress"]
        (peer,) = rule["from"]
        labels = peer["namespaceSelector"]["matchLabels"]
        assert labels == {"kubernetes.io/metadata.name": "observability"}


def test_prometheus_finds_the_objects_by_the_labels_of_the_settings() -> None:
    recording = record_stack("dev", monitoring={"labels": {"release": "stack"}})
    objects = [each.inputs for each in recording.resources if each.typ.startswith(_CUSTOM)]
    assert len(objects) == 7
    assert all(each["metadata"]["labels"]["release"] == "stack" for each in objects)


def test_the_end_of_an_auth_key_is_watched_and_an_oauth_client_has_none() -> None:
    tailnet = configured("tailnet") | {"credential": "auth-key"}
    assert "OceanidAuthKeyExpiring" not in record_stack("dev").outputs["alerts"]
    recording = record_stack("dev", tailnet=tailnet)
    assert "OceanidAuthKeyExpiring" in recording.outputs["alerts"]
    groups = _spec(recording, "PrometheusRule", "oceanid-alerts")["groups"]
    (expr,) = [
        rule["expr"]
        for group in groups
        for rule in group["rules"]
        if rule["alert"] == "OceanidAuthKeyExpiring"
    ]
    end = int(datetime.fromisoformat(KEY_ENDS).timestamp())
    assert expr.count(f"vector({end})") == 2


def test_grafana_finds_the_dashboard(recording: Recording) -> None:
    dashboard = recording.named("monitoring-dashboard")
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    document = json.loads(dashboard["data"]["oceanid.json"])
    places = [panel["gridPos"] for panel in document["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_a_stack_without_synced_secrets_has_no_alerts_on_them() -> None:
    recording = record_stack("dev", externalSecrets=None)
    assert not [name for name in recording.outputs["alerts"] if "Secret" in name]


def test_an_operator_that_syncs_nothing_is_watched_and_no_reading_is_missed() -> None:
    group = configured("externalSecrets") | {"crds": str(CRDS), "secrets": []}
    recording = record_stack("dev", externalSecrets=group)
    about = [name for name in recording.outputs["alerts"] if "Secret" in name]
    assert about == ["OceanidSecretsOperatorDown"]
    assert "externalsecret_" not in str(_spec(recording, "PrometheusRule", "oceanid-alerts"))
