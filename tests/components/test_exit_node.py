"""The exit node: no privilege, its identity kept, and no way into the cluster."""

from typing import Any

import pytest

from tests.components.kubernetes_rules import admits
from workshop.testing.recording import Recording, World, configured, record_stack


@pytest.fixture(scope="module")
def pod(recording: Recording) -> dict[str, Any]:
    inputs = recording.named("exit-tethys-tailscale")
    spec: dict[str, Any] = inputs["spec"]["template"]["spec"]
    return spec


@pytest.fixture(scope="module")
def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["containers"]
    return dict(only)


@pytest.fixture(scope="module")
def environment(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"]}


def test_the_namespace_enforces_restricted(recording: Recording) -> None:
    labels = recording.named("egress-namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_all_traffic_of_the_namespace_is_denied_unless_a_policy_admits_it(
    recording: Recording,
) -> None:
    spec = recording.named("egress-deny-all")["spec"]
    assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_tailscaled_runs_in_userspace_mode_with_a_state_secret_made_beforehand(
    environment: dict[str, str], recording: Recording
) -> None:
    assert environment["TS_USERSPACE"] == "true"
    state = recording.named("exit-tethys-state")["metadata"]["name"]
    assert environment["TS_KUBE_SECRET"] == state


def test_the_flags_hold_beyond_the_first_login(environment: dict[str, str]) -> None:
    assert environment["TS_AUTH_ONCE"] == "false"
    assert "--advertise-exit-node" in environment["TS_EXTRA_ARGS"].split()


def test_the_credential_is_in_a_file_and_nowhere_in_the_pods_spec(
    environment: dict[str, str], pod: dict[str, Any]
) -> None:
    assert environment["TS_AUTHKEY"] == "file:/run/secrets/tailscale/authkey"
    assert "tskey" not in str(pod)


def test_the_role_reaches_the_state_secret_and_nothing_else(recording: Recording) -> None:
    assert recording.named("exit-tethys-role")["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": ["oceanid-dev-exit-tethys-state"],
            "verbs": ["get", "update", "patch"],
        }
    ]


def test_the_three_probes_ask_three_different_things(container: dict[str, Any]) -> None:
    assert container["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/metrics"
    assert container["readinessProbe"]["exec"]["command"][0] == "tailscale"


def test_a_busy_tunnel_may_use_a_whole_cpu_and_collects_its_garbage_below_its_memory_limit(
    recording: Recording, container: dict[str, Any]
) -> None:
    (gateway,) = [
        each
        for each in recording.named("wave-canary-gateway")["spec"]["template"]["spec"]["containers"]
        if each["name"] == "tailscale-tethys"
    ]
    for each in (container, gateway):
        limits = each["resources"]["limits"]
        assert limits["cpu"] == "1"
        (go,) = [one["value"] for one in each["env"] if one["name"] == "GOMEMLIMIT"]
        # What is not Go's heap needs room as well: a fifth.
        assert int(go.removesuffix("MiB")) <= 0.8 * int(limits["memory"].removesuffix("Mi"))


def test_a_drain_does_not_take_the_exit_node_away_unasked(recording: Recording) -> None:
    assert recording.named("exit-tethys-budget")["spec"]["minAvailable"] == 1


_FENCE = "exit-tethys-fence"


@pytest.mark.parametrize(
    ("address", "port"),
    [("18.116.211.217", 5432), ("1.1.1.1", 53), ("2606:4700:4700::1111", 443)],
)
def test_it_reaches_the_internet(recording: Recording, address: str, port: int) -> None:
    assert admits(recording.named(_FENCE), address, port)


def test_it_reaches_the_api_server_that_keeps_its_state(recording: Recording) -> None:
    assert admits(recording.named(_FENCE), "10.43.0.1", 443)
    assert admits(recording.named(_FENCE), "157.173.210.123", 6443)


_SERVERS = ("157.173.210.123:6443", "191.101.1.3:7443", "198.51.100.9:6443", "[2001:db8:7::1]:443")
_WHO_ASK_THE_API = (
    _FENCE,
    "gate-canary-policy",
    "gate-fleet-policy",
    "secrets-operator-fence-external-secrets",
    "secrets-operator-fence-external-secrets-webhook",
    "secrets-operator-fence-external-secrets-cert-controller",
)


@pytest.mark.parametrize("source", ["settings", "cluster"])
def test_whoever_asks_the_api_reaches_each_of_several_servers_at_its_port_only(source: str) -> None:
    cluster = configured("cluster") | {"apiServer": list(_SERVERS)}
    several = (
        record_stack("dev", cluster=cluster)
        if source == "settings"
        else record_stack("dev", World(api_servers=_SERVERS))
    )
    for policy in _WHO_ASK_THE_API:
        for server in _SERVERS:
            address, _, port = server.rpartition(":")
            host = address.strip("[]")
            assert admits(several.named(policy), host, int(port)), (policy, server)
            assert not admits(several.named(policy), host, 22), (policy, server)


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("10.42.1.5", 8080),  # a pod
        ("10.43.71.170", 80),  # a service
        ("192.168.2.80", 22),  # a machine at home
        ("169.254.169.254", 80),  # a cloud's metadata
        ("157.173.210.123", 10250),  # a kubelet
        ("191.101.1.3", 22),  # another node
        ("172.31.0.1", 443),
        ("127.0.0.1", 443),
        ("100.100.100.200", 80),  # another cloud's metadata
        ("224.0.0.1", 443),
        ("fd00::1", 443),
        ("fe80::1", 443),
        ("::1", 443),
        ("64:ff9b::a00:1", 443),  # private addresses within IPv6
        ("2002:a00:1::", 443),
    ],
)
def test_it_is_no_way_into_the_cluster(recording: Recording, address: str, port: int) -> None:
    assert not admits(recording.named(_FENCE), address, port)


def test_peers_behind_another_nodes_nat_are_reached_but_not_its_overlay_network(
    recording: Recording,
) -> None:
    assert admits(recording.named(_FENCE), "191.101.1.3", 41641, "UDP")
    assert not admits(recording.named(_FENCE), "191.101.1.3", 8472, "UDP")
    assert not admits(recording.named(_FENCE), "191.101.1.3", 51820, "UDP")


def test_only_gateways_and_the_gate_may_connect_to_it(recording: Recording) -> None:
    peers = [peer for rule in recording.named(_FENCE)["spec"]["ingress"] for peer in rule["from"]]
    assert peers
    assert all(set(peer) == {"podSelector"} for peer in peers)
