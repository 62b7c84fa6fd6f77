"""The gateways: waves that reach the right nodes, no privilege, and no way round the tunnel."""

import base64
import ipaddress
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.egress.gateway_access import dns_server_block
from components.egress.gateway_pod import _START
from tests.components.kubernetes_rules import admits
from workshop.testing.checkout import completed, passed
from workshop.testing.recording import TAILNET_ADDRESS, Recording


def _pod(recording: Recording, wave: str) -> dict[str, Any]:
    inputs = recording.named(f"wave-{wave}-gateway")
    spec: dict[str, Any] = inputs["spec"]["template"]["spec"]
    return spec


def _container(recording: Recording, name: str, wave: str = "canary") -> dict[str, Any]:
    (found,) = [each for each in _pod(recording, wave)["containers"] if each["name"] == name]
    return dict(found)


def _requirement(recording: Recording, wave: str) -> dict[str, Any]:
    affinity = _pod(recording, wave)["affinity"]["nodeAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    (requirement,) = term["matchExpressions"]
    return dict(requirement)


def test_the_canary_is_one_node(recording: Recording) -> None:
    assert _requirement(recording, "canary") == {
        "key": "kubernetes.io/hostname",
        "operator": "In",
        "values": ["styx"],
    }


def test_the_last_wave_catches_every_node_not_named_before(recording: Recording) -> None:
    assert _requirement(recording, "fleet") == {
        "key": "kubernetes.io/hostname",
        "operator": "NotIn",
        "values": ["styx"],
    }


def test_within_a_wave_one_node_changes_at_a_time(recording: Recording) -> None:
    for wave in ("canary", "fleet"):
        strategy = recording.named(f"wave-{wave}-gateway")["spec"]["updateStrategy"]
        assert strategy["rollingUpdate"]["maxUnavailable"] == 1


def test_no_gateway_shares_anything_with_its_node(recording: Recording) -> None:
    for wave in ("canary", "fleet"):
        pod = _pod(recording, wave)
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert all("hostPath" not in volume for volume in pod["volumes"])
        assert pod["automountServiceAccountToken"] is False


def test_every_file_a_gateway_may_write_has_a_limit(recording: Recording) -> None:
    empty = [v["emptyDir"] for v in _pod(recording, "canary")["volumes"] if "emptyDir" in v]
    assert empty
    assert all(each["sizeLimit"] for each in empty)


def test_envoy_asks_the_exit_node_at_the_address_that_was_looked_up(recording: Recording) -> None:
    config = json.loads(recording.named("wave-canary-envoy")["data"]["envoy.json"])
    assert f"{TAILNET_ADDRESS}:9002" in json.dumps(config)
    admin = config["admin"]["address"]["socket_address"]
    assert admin["address"] == "127.0.0.1"


def test_each_wave_has_an_envoy_configuration_of_its_own(recording: Recording) -> None:
    # Or a restarted pod of a later wave would pick a change up before its turn.
    names = {
        next(v["configMap"]["name"] for v in _pod(recording, wave)["volumes"] if "configMap" in v)
        for wave in ("canary", "fleet")
    }
    assert len(names) == 2


def test_the_flags_name_the_exit_node_by_a_variable_defined_before_them(
    recording: Recording,
) -> None:
    env = _container(recording, "tailscale-tethys")["env"]
    names = [each["name"] for each in env]
    assert names.index("EXIT_NODE_ADDRESS") < names.index("TS_EXTRA_ARGS")
    values = {each["name"]: each.get("value") for each in env}
    assert values["EXIT_NODE_ADDRESS"] == TAILNET_ADDRESS
    assert "--exit-node=$(EXIT_NODE_ADDRESS)" in str(values["TS_EXTRA_ARGS"]).split()


def test_a_gateways_device_is_ephemeral_and_keeps_no_secret(recording: Recording) -> None:
    env = {
        each["name"]: each.get("value") for each in _container(recording, "tailscale-tethys")["env"]
    }
    # A variable without a value is an empty one.
    assert "TS_KUBE_SECRET" in env
    assert env["TS_KUBE_SECRET"] is None
    data = recording.named("gateway-credential")["data"]
    assert "ephemeral=true" in base64.b64decode(data["value"]["authkey"]).decode()


def test_an_exit_nodes_outage_ends_no_container(recording: Recording) -> None:
    for name in ("envoy", "tailscale-tethys"):
        container = _container(recording, name)
        probes = [container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")]
        asked = [
            json.dumps(each.get("httpGet") or each.get("exec"), sort_keys=True) for each in probes
        ]
        assert asked[1] not in (asked[0], asked[2])
        assert "/ready" not in asked[2]
        assert "ExitNode" not in asked[2]


def test_the_service_leads_to_the_callers_own_node(recording: Recording) -> None:
    for name in ("gateway-oceanid-gateway", "gateway-to-database", "gateway-to-s3"):
        spec = recording.named(name)["spec"]
        assert spec["internalTrafficPolicy"] == "Local"


def test_a_transparent_destination_keeps_its_own_port(recording: Recording) -> None:
    (port,) = recording.named("gateway-to-database")["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (5432, 15432)


def test_a_name_is_answered_with_the_gateways_address_and_no_ipv6() -> None:
    block = dns_server_block("p.example.org", "10.43.0.9")
    assert block.startswith("p.example.org:53 {\n")
    assert 'answer "{{ .Name }} 30 IN A 10.43.0.9"' in block
    assert "AAAA" not in block


@given(
    st.ip_addresses(v=4).filter(lambda ip: ip not in ipaddress.IPv4Network("192.200.0.0/24")),
    st.sampled_from([80, 443, 5432, 6443, 8080, 15432]),
)
def test_no_gateway_reaches_any_address_by_tcp_but_the_tailnets_own(
    recording: Recording, address: ipaddress.IPv4Address, port: int
) -> None:
    assert not admits(recording.named("gateway-fence"), str(address), port)


def test_a_gateway_reaches_the_tailnets_control_plane(recording: Recording) -> None:
    assert admits(recording.named("gateway-fence"), "192.200.0.101", 443)


@given(
    st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?", fullmatch=True).filter(
        lambda name: len(name) <= 253
    )
)
def test_the_tailnet_name_is_a_dns_label_for_any_node_name(node: str) -> None:
    script = _START.replace("exec /usr/local/bin/containerboot", 'printf %s "$TS_HOSTNAME"')
    named = {"NODE_NAME": node, "TS_HOSTNAME": "egress-a-name-of-15-ch"}
    environment = {"PATH": "/usr/bin:/bin", **named}
    label = passed(completed("/bin/sh", "-ec", script, environment=environment)).stdout
    assert 1 <= len(label) <= 63
    assert label[0].isalnum()
    assert label[-1].isalnum()
    assert all(each.isalnum() or each == "-" for each in label)
    assert label == label.lower()
