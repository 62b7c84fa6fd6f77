"""The preflight on a real API server: what it finds there, and what an update makes of it."""

import base64
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from operations.kubernetes.client import KubernetesClient
from workshop.lab.kube import Objects
from workshop.testing.checkout import REPOSITORY, Completed, completed, failed, passed, said
from workshop.testing.lab_fleet import Fleet
from workshop.testing.waiting import until

pytestmark = pytest.mark.e2e

_SLICE = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
_STARVED = Path(__file__).resolve().parent / "manifests" / "starved.yaml"
_OUTAGE = REPOSITORY / "tests" / "policies" / "manifests" / "incident.yaml"


def _preflight(fleet: Fleet, *arguments: str, **environment: str) -> Completed:
    command = (sys.executable, "-m", "operations.preflight", *arguments)
    return completed(*command, environment={**fleet.environment, **fleet.variables, **environment})


def _dev(fleet: Fleet) -> tuple[str, str]:
    """The option that has the settings of `dev` read."""
    config = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    settings = {key.partition(":")[2]: value for key, value in config.items()}
    target = fleet.home.path / "settings.json"
    target.write_text(json.dumps(settings))
    return "--settings", str(target)


def _found(fleet: Fleet) -> list[dict[str, str]]:
    result = _preflight(fleet, *_dev(fleet), "--json")
    assert result.returncode in (0, 1), said(result)
    found: list[dict[str, str]] = json.loads(result.stdout)["results"]
    return found


def _settings(folder: Path, *, nodes: list[dict[str, Any]] | None = None, **preflight: str) -> Path:
    """Pulumi.dev.yaml with every console confirmed today, more nodes and another `preflight`."""
    document = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())
    config = document["config"]
    today = str(datetime.now(UTC).date())
    for node in config["oceanid-cluster:nodes"]:
        node["consoleConfirmed"] = today
    config["oceanid-cluster:nodes"] += nodes or []
    config["oceanid-cluster:preflight"] |= preflight
    path = folder / "Pulumi.dev.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def _of(found: list[dict[str, str]], check: str) -> list[dict[str, str]]:
    return [each for each in found if each["check"] == check and each["verdict"] != "ok"]


def test_the_lab_is_fit_but_for_consoles_that_nobody_has_confirmed(fleet: Fleet) -> None:
    found = _found(fleet)
    assert [each["check"] for each in found if each["verdict"] == "fail"] == ["console-access"]
    assert {each["check"] for each in found if each["verdict"] == "ok"} >= {
        "nodes",
        "kubelet-leases",
        "api-servers",
        "host-network",
        "pods-not-created",
        "admission-conflicts",
        "foreign-tailscale",
        "neighbours",
        "transparent-hosts",
        "database-network",
    }


def test_people_get_the_worst_first_with_its_remedy(fleet: Fleet) -> None:
    result = _preflight(fleet, *_dev(fleet))
    assert result.returncode == 1, said(result)
    first, *_, last = result.stdout.splitlines()
    assert first.startswith("fail  console-access: node tethys, styx, calypso: ")
    assert "-> log in at its provider's console" in result.stdout
    assert last.startswith("preflight: 1 fail, 0 warn, ")


def test_a_node_the_cluster_lacks_stops_an_update_before_it_changes_anything(
    fleet: Fleet, tmp_path: Path
) -> None:
    assert fleet.oceanid("env").returncode == 0
    more = [{"name": "naiad", "address": "203.0.113.9", "consoleConfirmed": "2020-01-01"}]
    settings = _settings(tmp_path, nodes=more, onFailure="stop")
    before = fleet.get("/api/v1/namespaces")["items"]
    text = failed(fleet.on_dev(settings, "up", "--yes"))
    assert "preflight nodes: node naiad: the cluster has no node of that name" in text
    assert "preflight console-access: node naiad: its console was last confirmed " in text
    assert "nothing has been changed" in text
    assert "Traceback" not in text
    assert len(fleet.get("/api/v1/namespaces")["items"]) == len(before)


def test_a_fleet_that_is_fit_passes_a_preflight_that_stops(fleet: Fleet, tmp_path: Path) -> None:
    preview = fleet.on_dev(_settings(tmp_path, onFailure="stop"), "preview")
    assert "preflight" not in said(passed(preview))


def test_without_endpoints_to_take_the_servers_from_a_preview_ends_with_one_line(
    fleet: Fleet, tmp_path: Path
) -> None:
    assert fleet.oceanid("env").returncode == 0
    settings = _settings(tmp_path, onFailure="warn")
    fleet.patch(_SLICE, {"endpoints": []})
    try:
        result = fleet.on_dev(settings, "preview")
    finally:
        assert fleet.lab("up").returncode == 0
    text = failed(result)
    assert "preflight api-servers: default/kubernetes: no endpoint is ready" in text
    assert "Traceback" not in text
    assert len(fleet.get(_SLICE)["endpoints"]) == 3


def test_a_cluster_that_does_not_answer_is_exit_code_two_with_one_line(
    fleet: Fleet, tmp_path: Path
) -> None:
    kubeconfig = yaml.safe_load(fleet.home.kubeconfig.read_text())
    kubeconfig["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    away = tmp_path / "kubeconfig"
    away.write_text(yaml.safe_dump(kubeconfig))
    result = _preflight(fleet, *_dev(fleet), KUBECONFIG=str(away))
    assert result.returncode == 2
    assert result.stdout.startswith("fail  cluster: API server: it does not answer: ")
    assert "database-network" in result.stdout


@pytest.mark.parametrize(("file", "line"), [("gone", "No such file"), ("-", "Expecting value")])
def test_settings_that_cannot_be_read_are_one_line(fleet: Fleet, file: str, line: str) -> None:
    result = _preflight(fleet, "--settings", file)
    assert result.returncode == 2
    assert line in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_no_value_of_a_secret_comes_over_the_wire(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = base64.b64encode(os.urandom(24)).decode()
    secrets = "/api/v1/namespaces/default/secrets"
    body = {"metadata": {"name": "tailscale-auth"}, "data": {"authkey": value}}
    came: list[bytes] = []
    parts = httpx.Response.iter_bytes

    def recorded(response: httpx.Response, chunk_size: int | None = None) -> Iterator[bytes]:
        came.extend(parts(response, chunk_size))
        yield from came

    monkeypatch.setenv("KUBECONFIG", str(fleet.home.kubeconfig))
    with fleet.api() as api, KubernetesClient(context="oceanid-lab") as client:
        api.post(secrets, json=body).raise_for_status()
        monkeypatch.setattr(httpx.Response, "iter_bytes", recorded)
        names = [each["metadata"]["name"] for each in client.list_metadata("/api/v1/secrets")]
        monkeypatch.undo()
        api.delete(f"{secrets}/tailscale-auth").raise_for_status()
    assert "tailscale-auth" in names
    assert b"tailscale-auth" in b"".join(came)
    assert value.encode() not in b"".join(came)


@pytest.fixture(scope="module")
def troubled(fleet: Fleet) -> Iterator[Fleet]:
    """A workload that gets no pods, and the outage's DaemonSet: for the last tests."""
    made = [
        manifest
        for path in (_STARVED, _OUTAGE)
        for manifest in yaml.safe_load_all(path.read_text())
    ]
    with fleet.api() as api:
        objects = Objects(api)
        objects.apply(made)
        (deployment,) = (objects.path(each) for each in made if each["kind"] == "Deployment")
        until(
            lambda: "ReplicaFailure" in str(fleet.get(deployment)["status"]),
            "the ReplicaSet's pods are refused",
        )
        yield fleet
        for manifest in reversed(made):
            api.delete(objects.path(manifest)).raise_for_status()


def test_a_pod_that_pod_security_refuses_is_named_with_the_servers_own_reason(
    troubled: Fleet,
) -> None:
    (starved,) = _of(_found(troubled), "pods-not-created")
    where = "Deployment pulumi-system/pulumi-kubernetes-operator-controller-manager"
    assert (starved["verdict"], starved["where"]) == ("warn", where)
    assert 'violates PodSecurity "restricted:latest"' in starved["what"]
    assert "seccompProfile" in starved["what"]
    # What was tried for that has made nothing.
    assert troubled.get("/api/v1/namespaces/pulumi-system/pods")["items"] == []


def test_a_daemon_set_in_the_host_network_is_listed_and_one_of_tailscale_is_a_failure(
    troubled: Fleet,
) -> None:
    found = _found(troubled)
    where = "DaemonSet tailscale-system/tailscale-worker"
    (listed,) = _of(found, "host-network")
    assert (listed["verdict"], listed["where"]) == ("warn", where)
    failed = [each for each in _of(found, "foreign-tailscale") if each["verdict"] == "fail"]
    assert [each["where"] for each in failed] == [where]
