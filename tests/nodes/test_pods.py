"""Pods on real nodes: what the kubelet, the kernel, kube-proxy, kube-router and CoreDNS do."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.nodes.workloads import IDLE, RESTRICTED, SERVER, Workloads
from workshop.lab.home import Home, LabError
from workshop.lab.network.plan import CALYPSO, FLEET, STYX, TETHYS
from workshop.lab.node.pod import NodePod
from workshop.testing.checkout import kubectl
from workshop.testing.nodes.pods import SECONDS
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_ECHO = "https://ipinfo.io/ip"


def _kubectl(lab: Home, *arguments: str) -> list[str]:
    return [kubectl(), f"--kubeconfig={lab.kubeconfig}", *arguments]


def test_a_pods_log_is_read_through_the_api_server(workloads: Workloads) -> None:
    namespace = workloads.namespace("logs")
    workloads.start(namespace, "speaker", ("sh", "-c", "id -u; cat /etc/hosts | grep localhost"))
    assert workloads.output(namespace, "speaker").splitlines()[0] == "0"


@pytest.mark.parametrize("plan", FLEET, ids=lambda plan: plan.name)
def test_each_kubelet_gives_its_stats(workloads: Workloads, plan: object) -> None:
    name = getattr(plan, "name", "")
    path = f"/api/v1/nodes/{name}/proxy/stats/summary"
    summary = workloads.kube.get(path).raise_for_status().json()
    assert summary["node"]["nodeName"] == name
    assert summary["node"]["memory"]["workingSetBytes"] > 0


def test_exec_passes_standard_input_on(lab: Home, workloads: Workloads) -> None:
    namespace = workloads.namespace("exec")
    workloads.start(namespace, "reader", node=CALYPSO.name)
    workloads.ready(namespace, "reader")
    done = subprocess.run(
        _kubectl(lab, "exec", "-i", f"--namespace={namespace}", "reader", "--", "cat"),
        input="said to a pod\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "said to a pod\n"


def test_port_forward_leads_to_the_pod(lab: Home, workloads: Workloads) -> None:
    namespace = workloads.namespace("port-forward")
    workloads.start(namespace, "server", SERVER, node=STYX.name)
    server = workloads.ready(namespace, "server")
    until(lambda: workloads.fetch(server, "http://127.0.0.1:8080") == "server", "it listens")
    with (
        _port_forward(lab, namespace, "server") as port,
        closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        response = connection.makefile("rb").read()
    assert response.endswith(b"\r\n\r\nserver")


@contextmanager
def _port_forward(lab: Home, namespace: str, name: str) -> Iterator[int]:
    process = subprocess.Popen(
        _kubectl(lab, "port-forward", f"--namespace={namespace}", name, ":8080"),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        # `Forwarding from 127.0.0.1:40123 -> 8080`
        yield int(process.stdout.readline().split(" -> ")[0].rpartition(":")[2])
        process.terminate()


def test_a_pod_that_breaks_restricted_is_refused(workloads: Workloads) -> None:
    namespace = workloads.namespace("restricted", enforce="restricted")
    with pytest.raises(LabError, match='is forbidden: violates PodSecurity "restricted:latest"'):
        workloads.start(namespace, "root")


def test_a_restricted_container_has_no_rights(workloads: Workloads) -> None:
    namespace = workloads.namespace("rights", enforce="restricted")
    script = "cat /proc/self/status; id -u; id -g; (: > /new) 2>&1 || echo read-only"
    workloads.start(namespace, "curious", ("sh", "-c", script), security=RESTRICTED)
    lines = workloads.output(namespace, "curious").splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert status["NoNewPrivs"] == "1"
    # Mode 2 is a filter [proc(5)].
    assert status["Seccomp"] == "2"
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert status[capabilities] == "0" * 16
    assert lines[-1] == "read-only"
    assert "1234\n1234" in "\n".join(lines)


def test_a_memory_limit_ends_the_container(workloads: Workloads) -> None:
    namespace = workloads.namespace("memory")
    greedy = ("python3", "-c", "b'x' * (256 << 20)")
    workloads.start(namespace, "greedy", greedy, limits={"memory": "64Mi"})
    ended = workloads.end_of(workloads.pod(namespace, "greedy"), seconds=SECONDS)
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)


def test_a_cpu_limit_is_the_kernels_quota(workloads: Workloads) -> None:
    namespace = workloads.namespace("cpu")
    script = """
import time, pathlib
started, used = time.monotonic(), time.process_time()
while time.monotonic() - started < 2:
    pass
print((time.process_time() - used) / (time.monotonic() - started))
"""
    workloads.start(namespace, "busy", ("python3", "-c", script), limits={"cpu": "200m"})
    assert float(workloads.output(namespace, "busy")) < 0.3


def _answer(workloads: Workloads, client: NodePod, url: str) -> str:
    """The first answer: Services and routes are there some instants after their pods."""
    answers: list[str] = []

    def has_come() -> bool:
        answer = workloads.fetch(client, url)
        answers.extend([] if answer is None else [answer])
        return bool(answers)

    until(has_come, f"{client.name} gets {url}")
    return answers[0]


def _reaches(workloads: Workloads, client: NodePod, server: NodePod) -> bool:
    return workloads.fetch(client, f"http://{server.address}:8080") == server.name


def _until(workloads: Workloads, client: NodePod, server: NodePod, *, is_let_in: bool) -> None:
    what = f"{client.name} is let in: {is_let_in}"
    until(lambda: _reaches(workloads, client, server) == is_let_in, what)


def test_a_network_policy_is_enforced_within_a_node_and_between_nodes(
    workloads: Workloads,
) -> None:
    namespace = workloads.namespace("policy")
    workloads.start(namespace, "server", SERVER, node=STYX.name)
    for plan in (STYX, CALYPSO):
        workloads.start(namespace, f"friend-{plan.name}", IDLE, node=plan.name)
        workloads.start(namespace, f"stranger-{plan.name}", IDLE, node=plan.name)
    server = workloads.ready(namespace, "server")
    names = [f"{who}-{plan.name}" for plan in (STYX, CALYPSO) for who in ("friend", "stranger")]
    clients = {name: workloads.ready(namespace, name) for name in names}
    for client in clients.values():
        _until(workloads, client, server, is_let_in=True)
    friends = [name for name in names if name.startswith("friend")]
    peers = {"key": "app", "operator": "In", "values": friends}
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "friends"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "server"}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": {"matchExpressions": [peers]}}]}],
        },
    }
    workloads.create(namespace, policy)
    for name, client in clients.items():
        if name not in friends:
            _until(workloads, client, server, is_let_in=False)
    assert {name: _reaches(workloads, client, server) for name, client in clients.items()} == {
        name: name in friends for name in names
    }


def test_a_local_service_stays_on_the_callers_node(workloads: Workloads) -> None:
    namespace = workloads.namespace("local")
    for plan in FLEET:
        workloads.start(namespace, f"server-{plan.name}", SERVER, node=plan.name)
    servers = {plan: workloads.ready(namespace, f"server-{plan.name}") for plan in FLEET}
    # One label for all three, as a DaemonSet's pods have.
    for server in servers.values():
        workloads.kube.patch(
            f"/api/v1/namespaces/{namespace}/pods/{server.name}",
            json={"metadata": {"labels": {"service": "server"}}},
            headers={"Content-Type": "application/merge-patch+json"},
        ).raise_for_status()
    service = {
        "kind": "Service",
        "metadata": {"name": "server"},
        "spec": {
            "selector": {"service": "server"},
            "ports": [{"port": 80, "targetPort": 8080}],
            "internalTrafficPolicy": "Local",
        },
    }
    made = workloads.create(namespace, service)
    url = f"http://{made['spec']['clusterIP']}"
    for server in servers.values():
        assert _answer(workloads, server, url) == server.name
        assert {workloads.fetch(server, url) for _ in range(4)} == {server.name}


def _resolved(workloads: Workloads, client: NodePod, name: str) -> str | None:
    code = f"import socket; print(socket.gethostbyname('{name}'))"
    output = workloads.execute(client, "/usr/local/bin/python3", "-c", code)
    return None if output is None else output.strip()


def test_the_cluster_dns_resolves_services_and_takes_in_a_custom_server(
    workloads: Workloads,
) -> None:
    namespace = workloads.namespace("dns")
    workloads.start(namespace, "client", node=CALYPSO.name)
    client = workloads.ready(namespace, "client")
    name = "kubernetes.default.svc.cluster.local"
    until(lambda: _resolved(workloads, client, name) == "10.43.0.1", f"{name} is resolved")
    assert _resolved(workloads, client, "custom.example") is None
    server = "custom.example:53 {\n  hosts {\n    192.0.2.7 custom.example\n  }\n}\n"
    metadata = {"name": "coredns-custom"}
    custom = {"kind": "ConfigMap", "metadata": metadata, "data": {"example.server": server}}
    workloads.create("kube-system", custom)
    until(lambda: _resolved(workloads, client, "custom.example") == "192.0.2.7", "custom.example")


def test_a_pods_traffic_leaves_with_its_nodes_public_address(workloads: Workloads) -> None:
    namespace = workloads.namespace("outside")
    for plan in FLEET:
        workloads.start(namespace, plan.name, node=plan.name)
    seen = {}
    for plan in FLEET:
        client = workloads.ready(namespace, plan.name)
        seen[plan.name] = _answer(workloads, client, _ECHO)
    assert seen == {plan.name: str(plan.outside) for plan in (TETHYS, STYX, CALYPSO)}
