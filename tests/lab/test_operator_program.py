"""A container of the operator's chart becomes a process: nothing changed but what must be."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from workshop.lab.external_secrets.kubelet import mount
from workshop.lab.external_secrets.program import NAMES, Workload, workloads
from workshop.lab.home import REPOSITORY

_WEBHOOK: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("webhook_pod.yaml").read_text())


def _pod(**changes: Any) -> dict[str, Any]:
    """The webhook's pod with fields such as `spec.serviceAccountName` changed."""
    pod = copy.deepcopy(_WEBHOOK)
    for path, value in changes.items():
        *parents, last = path.split("__")
        inner = pod
        for parent in parents:
            inner = inner[parent]
        inner[last] = value
    return pod


def test_addresses_ports_folders_and_leader_election_are_mapped_and_nothing_else() -> None:
    arguments = Workload((_WEBHOOK,)).arguments(
        {"NS": "external-secrets-system"},
        port=lambda port: port + 30000,
        folder=lambda path: Path("/private") / path.lstrip("/"),
    )
    assert arguments == [
        "webhook",
        "--port=40250",
        "--dns-name=external-secrets-webhook.external-secrets-system.svc",
        "--cert-dir=/private/tmp/certs",
        "--metrics-addr=127.0.0.1:38080",
        "--healthz-addr=127.0.0.1:38081",
        "--loglevel=info",
        "--enable-leader-election=false",
    ]


def test_a_flag_of_a_later_line_than_the_programs_is_left_out() -> None:
    later = {"args": ["--metrics-addr=:8080", "--live-addr=:8082", "--concurrent=1"]}
    arguments = Workload((_pod(spec__containers=[later]),)).arguments(
        {}, port=lambda port: port, folder=Path
    )
    assert arguments == ["--metrics-addr=127.0.0.1:8080", "--concurrent=1"]


def test_all_the_process_needs_is_read_from_the_pod() -> None:
    (workload,) = workloads([_WEBHOOK]).values()
    assert workload.secrets() == {"/tmp/certs": "external-secrets-webhook"}
    assert workload.ports() == {10250, 8080, 8081}
    probe = workload.probe()
    assert probe is not None
    assert (probe.path, probe.port) == ("/readyz", 8081)
    assert workload.has_token


def test_the_replicas_of_a_template_are_one_process_and_another_template_is_another() -> None:
    name = "external-secrets-webhook-b"
    changed = _pod(metadata__ownerReferences=[{"kind": "ReplicaSet", "name": name}])
    found = workloads([_WEBHOOK, changed, _WEBHOOK])
    assert {name: len(each.pods) for name, each in found.items()} == {
        "external-secrets-system.external-secrets-webhook-6795dff875": 2,
        "external-secrets-system.external-secrets-webhook-b": 1,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"status__phase": "Pending"},
        {"metadata__deletionTimestamp": "2026-11-21T07:00:00Z"},
        {"metadata__labels": {"app.kubernetes.io/name": "another"}},
        {"metadata__labels": None},
    ],
)
def test_a_pod_that_does_not_run_or_is_another_s_starts_nothing(changes: dict[str, Any]) -> None:
    assert workloads([_pod(**changes)]) == {}


def test_without_a_token_in_its_pod_the_operator_has_none_here() -> None:
    pod = _pod(spec__automountServiceAccountToken=False)
    assert not Workload((pod,)).has_token
    source = {"serviceAccountToken": {"path": "token"}}
    volumes = [{"name": "own", "projected": {"sources": [source]}}]
    own = _pod(spec__automountServiceAccountToken=False, spec__volumes=volumes)
    assert Workload((own,)).has_token


def test_a_container_without_a_probe_or_arguments_is_one_too() -> None:
    pod = _pod()
    pod["spec"]["containers"] = [{"name": "only", "image": "x"}]
    workload = Workload((pod,))
    assert workload.probe() is None
    assert workload.ports() == set()
    assert workload.secrets() == {}


def test_a_probe_s_port_may_be_named() -> None:
    pod = _pod()
    pod["spec"]["containers"][0]["readinessProbe"] = {"httpGet": {"port": "webhook"}}
    probe = Workload((pod,)).probe()
    assert probe is not None
    assert (probe.path, probe.port) == ("/", 10250)


def test_kwok_leaves_to_us_the_readiness_of_exactly_the_pods_we_run() -> None:
    stage = (REPOSITORY / "workshop" / "lab" / "stages" / "pod-started.yaml").read_text()
    assert [line.strip(" -'") for line in stage.splitlines() if "- 'external-" in line] == list(
        NAMES
    )


def test_a_mount_is_private_and_holds_what_the_secret_holds(tmp_path: Path) -> None:
    folder = tmp_path / "mounts" / "certs"
    mount(folder, {"tls.crt": "a", "tls.key": "b"})
    before = (folder / "tls.crt").stat().st_ino
    mount(folder, {"tls.crt": "a", "ca.crt": "c"})
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "tls.crt": "a",
        "ca.crt": "c",
    }
    # What has not changed is not written again: the operator watches these files.
    assert (folder / "tls.crt").stat().st_ino == before
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
