"""What a container of a simulated pod would log in with."""

from typing import Any

import pytest

from tests.lab.simulated_cluster import Cluster, container, manifest
from workshop.lab.simulated_devices.containerboot import Login, is_tailscale, login
from workshop.lab.simulated_devices.pod import Pod, PodError


def resolved(*containers: dict[str, Any], cluster: Cluster | None = None) -> Login:
    return login(Pod(manifest(*containers)), containers[0], cluster or Cluster())


def test_the_environment_comes_from_values_fields_and_secrets() -> None:
    spec = container(TS_KUBE_SECRET="", TS_HOSTNAME="$(NODE)-$(LABEL)-$(LATER)")
    references: list[dict[str, Any]] = [
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a/b']"}}},
        {"name": "TS_AUTHKEY", "valueFrom": {"secretKeyRef": {"name": "key", "key": "k"}}},
    ]
    spec["env"] = [*references, *spec["env"], {"name": "LATER", "value": "x"}]
    found = resolved(spec, cluster=Cluster({"ns/key": {"k": b"from-secret"}}))
    assert (found.hostname, found.auth_key) == ("styx-c-$(LATER)", "from-secret")


def test_a_key_in_a_file_is_read_through_the_pods_volume() -> None:
    spec = container(TS_AUTHKEY="file:/run/secrets/tailscale/authkey")
    cluster = Cluster({"ns/key": {"authkey": b"from-file\n"}})
    assert resolved(spec, cluster=cluster).auth_key == "from-file"
    with pytest.raises(PodError, match="no such file in the volume 'credential'"):
        resolved(spec)
    with pytest.raises(PodError, match="in no volume"):
        resolved(container(TS_AUTHKEY="file:/elsewhere"))


def test_flags_give_tags_and_routes() -> None:
    found = resolved(
        container(
            TS_AUTHKEY="k",
            TS_EXTRA_ARGS="--advertise-exit-node --advertise-tags=tag:a,tag:b --ssh=false",
            TS_ROUTES="10.0.0.0/8",
        )
    )
    assert found.tags == ("tag:a", "tag:b")
    assert found.routes == ("10.0.0.0/8", "0.0.0.0/0", "::/0")
    refused = container(TS_AUTHKEY="k", TS_EXTRA_ARGS="--advertise-exit-node=false")
    assert resolved(refused).routes == ()


def test_defaults_are_containerboots() -> None:
    found = resolved(container(TS_AUTHKEY="k"))
    assert (found.hostname, found.state_secret) == ("pod-0", "tailscale")


def test_only_containers_that_run_containerboot_count() -> None:
    assert is_tailscale(container(TS_AUTHKEY="k"))
    assert not is_tailscale(container(TS_LOCAL_ADDR_PORT="x"))
    assert not is_tailscale({"name": "envoy"})


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"secretKeyRef": {"name": "key", "key": "k"}}, "has no key 'k'"),
        ({"fieldRef": {"fieldPath": "spec.magic"}}, "'spec.magic' is not simulated"),
        ({"resourceFieldRef": {"resource": "limits.cpu"}}, "is not simulated"),
    ],
)
def test_a_reference_that_leads_nowhere_is_an_error(source: dict[str, Any], reason: str) -> None:
    spec = container(TS_KUBE_SECRET="")
    spec["env"].append({"name": "TS_AUTHKEY", "valueFrom": source})
    with pytest.raises(PodError, match=reason):
        resolved(spec)
