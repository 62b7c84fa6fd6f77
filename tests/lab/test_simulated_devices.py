"""The simulated devices: what a container would log in with, and what the tailnet shows of it.

The tailnet is the real stand-in; the cluster here is a dictionary, the real one is in tests/e2e.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.simulated_devices.containerboot import Login, is_tailscale, login
from lab.simulated_devices.expansion import expand
from lab.simulated_devices.fleet import Fleet
from lab.simulated_devices.pod import Pod, PodError
from lab.simulated_devices.tailnet import Tailnet
from tests.lab.stand_in_processes import StandIn

_NAMES = st.from_regex(r"[A-Z_]{1,8}", fullmatch=True)
_PLAIN = st.text(st.characters(exclude_characters="$"))


@given(_PLAIN, st.dictionaries(_NAMES, st.text()))
def test_text_without_a_dollar_stays_as_it_is(text: str, defined: dict[str, str]) -> None:
    assert expand(text, defined) == text


@given(_PLAIN, _NAMES, st.text(), _PLAIN)
def test_a_defined_variable_is_replaced_once_and_its_value_is_not_expanded(
    before: str, name: str, value: str, after: str
) -> None:
    assert expand(f"{before}$({name}){after}", {name: value}) == f"{before}{value}{after}"


@given(_PLAIN, _NAMES)
def test_an_undefined_variable_stays_literal(before: str, name: str) -> None:
    assert expand(f"{before}$({name})", {}) == f"{before}$({name})"


@given(st.text(), st.dictionaries(_NAMES, st.text()))
def test_every_dollar_can_be_escaped(text: str, defined: dict[str, str]) -> None:
    assert expand(text.replace("$", "$$"), defined) == text


@pytest.mark.parametrize(
    ("text", "expanded"),
    [("$$(A)", "$(A)"), ("$$$(A)", "$a"), ("$(A", "$(A"), ("$A", "$A"), ("$", "$"), ("$()", "$()")],
)
def test_edges_are_as_in_kubernetes(text: str, expanded: str) -> None:
    assert expand(text, {"A": "a"}) == expanded


@dataclass
class Cluster:
    """Objects by kind and `namespace/name`, and what was said to people."""

    secrets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    may_patch: bool = True
    warnings: list[str] = field(default_factory=list)

    def data(self, kind: str, namespace: str, name: str) -> dict[str, bytes] | None:
        return self.secrets.get(f"{namespace}/{name}") if kind == "secrets" else None

    def state(self, pod: Pod, secret: str) -> dict[str, bytes]:
        found = self.secrets.get(f"{pod.namespace}/{secret}")
        if found is None:
            raise PodError(f"state Secret {secret!r} does not exist")
        return found

    def keep_state(self, pod: Pod, secret: str, values: dict[str, str]) -> None:
        if not self.may_patch:
            raise PodError(f"state Secret {secret!r}: cannot patch it: forbidden")
        encoded = {key: value.encode() for key, value in values.items()}
        self.secrets[f"{pod.namespace}/{secret}"].update(encoded)

    def warn(self, pod: Pod, message: str) -> None:
        assert pod.uid
        self.warnings.append(message)


def container(name: str = "tailscale", **environment: str) -> dict[str, Any]:
    return {
        "name": name,
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "volumeMounts": [{"name": "credential", "mountPath": "/run/secrets/tailscale"}],
    }


def manifest(*containers: dict[str, Any], uid: str = "u1", phase: str = "Running") -> Any:
    return {
        "metadata": {"name": "pod-0", "namespace": "ns", "uid": uid, "labels": {"a/b": "c"}},
        "spec": {
            "nodeName": "styx",
            "containers": list(containers),
            "volumes": [{"name": "credential", "secret": {"secretName": "key"}}],
        },
        "status": {"phase": phase, "podIP": "10.0.0.9"},
    }


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


@dataclass
class Lab:
    """A fleet between a dictionary and the real stand-in."""

    stand_in: StandIn
    cluster: Cluster = field(default_factory=lambda: Cluster({"ns/state": {}}))
    clock: float = 0.0

    def __post_init__(self) -> None:
        self.log: list[str] = []
        self.fleet = self.restarted()

    def restarted(self) -> Fleet:
        tailnet = Tailnet(self.stand_in.url)
        return Fleet(self.cluster, tailnet, self.log.append, now=lambda: self.clock)

    def settle(self, *pods: Any) -> float | None:
        return self.fleet.settle(pods, set(self.cluster.secrets))

    def devices(self) -> dict[str, dict[str, Any]]:
        listed = self.stand_in.api.get("tailnet/-/devices", params={"fields": "all"}).json()
        return {device["hostname"]: device for device in listed["devices"]}


@pytest.fixture
def lab(stand_in: StandIn) -> Lab:
    return Lab(stand_in)


def test_a_device_with_state_keeps_its_id_and_address_over_a_new_pod(
    lab: Lab, stand_in: StandIn
) -> None:
    key = stand_in.key()["key"]
    spec = container(
        TS_AUTHKEY=key,
        TS_HOSTNAME="exit-a",
        TS_KUBE_SECRET="state",
        TS_EXTRA_ARGS="--advertise-exit-node --advertise-tags=tag:exit",
    )
    lab.settle(manifest(spec, uid="u1"))
    first = lab.devices()["exit-a"]
    assert first["enabledRoutes"] == ["0.0.0.0/0", "::/0"]
    lab.settle()
    assert lab.devices()["exit-a"]["connectedToControl"] is False
    lab.fleet = lab.restarted()
    lab.settle(manifest(spec, uid="u2"))
    second = lab.devices()["exit-a"]
    assert second["connectedToControl"] is True
    assert (second["nodeId"], second["addresses"]) == (first["nodeId"], first["addresses"])
    state = lab.cluster.secrets["ns/state"]
    assert state["device_id"].decode() == first["nodeId"]
    assert json.loads(state["device_ips"]) == first["addresses"]
    assert state["device_fqdn"].decode() == f"{first['name']}."


def test_a_device_goes_for_good_with_its_state_secret(lab: Lab, stand_in: StandIn) -> None:
    spec = container(TS_AUTHKEY=stand_in.key()["key"], TS_HOSTNAME="a", TS_KUBE_SECRET="state")
    lab.settle(manifest(spec))
    lab.settle()
    assert set(lab.devices()) == {"a"}
    del lab.cluster.secrets["ns/state"]
    lab.settle()
    assert lab.devices() == {}


def test_ephemeral_devices_one_a_container_go_with_their_pod(lab: Lab, stand_in: StandIn) -> None:
    key = stand_in.key(ephemeral=True, tags=["tag:worker"])["key"]
    pod = manifest(
        container("via-a", TS_AUTHKEY=key, TS_HOSTNAME="w-a", TS_KUBE_SECRET=""),
        container("via-b", TS_AUTHKEY=key, TS_HOSTNAME="w-b", TS_KUBE_SECRET=""),
        {"name": "envoy"},
    )
    lab.settle(pod)
    before = lab.devices()
    lab.fleet = lab.restarted()
    lab.settle(pod)
    assert lab.devices() == before
    assert set(before) == {"w-a", "w-b"}
    lab.settle(pod | {"status": {"phase": "Succeeded"}})
    assert lab.devices() == {}


def test_devices_that_came_from_elsewhere_are_left_alone(lab: Lab, stand_in: StandIn) -> None:
    stand_in.log_in(stand_in.key(ephemeral=True)["key"], "by-hand")
    lab.settle()
    assert set(lab.devices()) == {"by-hand"}


def test_a_device_taken_offline_by_a_test_stays_offline(lab: Lab, stand_in: StandIn) -> None:
    spec = container(TS_AUTHKEY=stand_in.key()["key"], TS_HOSTNAME="a", TS_KUBE_SECRET="state")
    lab.settle(manifest(spec))
    node_id = lab.devices()["a"]["nodeId"]
    stand_in.lab.post(f"/lab/devices/{node_id}/online", json={"online": False})
    lab.settle(manifest(spec))
    assert lab.devices()["a"]["connectedToControl"] is False


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"TS_AUTHKEY": "unknown"}, "does not exist or was revoked"),
        ({"TS_HOSTNAME": "no_label"}, "no DNS label"),
        ({"TS_EXTRA_ARGS": "--advertise-tags=tag:ghost"}, r"tag:ghost"),
        ({"TS_EXTRA_ARGS": "oops"}, "no flag"),
        ({"TS_KUBE_SECRET": "missing"}, "does not exist"),
    ],
)
def test_a_login_that_fails_is_warned_of_once_and_tried_again(
    lab: Lab, stand_in: StandIn, environment: dict[str, str], reason: str
) -> None:
    good = {
        "TS_AUTHKEY": stand_in.key()["key"],
        "TS_HOSTNAME": "a",
        "TS_KUBE_SECRET": "state",
    }
    bad, mended = manifest(container(**good | environment)), manifest(container(**good))
    assert lab.settle(bad) == 1.0
    lab.clock += 1.0
    assert lab.settle(bad) == 2.0
    assert len(lab.cluster.warnings) == 1
    assert reason in lab.cluster.warnings[0]
    assert good["TS_AUTHKEY"] not in "".join([*lab.cluster.warnings, *lab.log])
    assert lab.devices() == {}
    lab.clock += 2.0
    assert lab.settle(mended) is None
    assert set(lab.devices()) == {"a"}


def test_a_service_account_that_may_not_write_its_state_registers_nothing(
    lab: Lab, stand_in: StandIn
) -> None:
    lab.cluster.may_patch = False
    spec = container(TS_AUTHKEY=stand_in.key()["key"], TS_HOSTNAME="a", TS_KUBE_SECRET="state")
    lab.settle(manifest(spec))
    assert lab.devices() == {}
    assert "cannot patch" in lab.cluster.warnings[0]
