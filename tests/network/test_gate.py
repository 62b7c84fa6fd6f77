"""The gate's program in its own rendered pod: it passes on a good path and names what is broken."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from tests.fleet_fixture import fleet_fixture
from workshop.lab.network.plan import CALYPSO, DATABASE, S3, STYX, TETHYS
from workshop.testing.network import rendered
from workshop.testing.nodes.clients import client_on
from workshop.testing.nodes.faults import pods_without_api_server
from workshop.testing.nodes.fleet import Fleet
from workshop.testing.recording import configured
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_SECONDS = 60.0
_PEER = f"pod-{rendered.exit_hostname(TETHYS.name)}"


# What is broken here stays so: the gate need not wait long for it to settle.
running = fleet_fixture(egress=configured("egress") | {"gateSeconds": 10})


def _gate(running: Fleet, node: str, runs_on: str | None = None) -> tuple[int, str, set[str]]:
    """Exit code, termination message and failed checks of the node's gate, on its own node."""
    wave = "canary" if node == STYX.name else "fleet"
    (job,) = [
        each
        for each in running.of_kind("Job")
        if each["metadata"]["labels"]["oceanid.io/wave"] == wave
        and each["metadata"]["annotations"]["oceanid.io/node"] == node
    ]
    pod = running.run(_pod_of(job, runs_on or node))
    try:
        status = running.end_of(pod, seconds=_SECONDS)
        lines = running.log_of(pod).splitlines()
    finally:
        running.end_pod(pod, seconds=0)
    results = [json.loads(line) for line in lines if line.startswith("{")]
    failed = {each["name"] for each in results if not each["ok"]}
    return int(status["exitCode"]), str(status["message"]), failed


def _pod_of(job: dict[str, Any], node: str) -> dict[str, Any]:
    """A pod like the Job's, on that node, whatever the Job's own affinity says."""
    template = job["spec"]["template"]
    metadata = {"namespace": job["metadata"]["namespace"], "name": f"gate-{uuid.uuid4().hex[:6]}"}
    spec = {key: value for key, value in template["spec"].items() if key != "affinity"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], **metadata},
        "spec": {**spec, "nodeName": node},
    }


@pytest.mark.parametrize("node", [STYX.name, CALYPSO.name])
def test_it_passes_on_a_good_path(running: Fleet, node: str) -> None:
    code, words, failed = _gate(running, node)
    assert (code, failed) == (0, set()), words
    measured = r"egress-address saw 157\.173\.210\.123 in \d+ ms; "
    assert re.match(rf"node {node}: all 8 checks passed: {measured}", words), words


def test_a_check_for_one_node_that_runs_on_another_fails(running: Fleet) -> None:
    code, words, _ = _gate(running, CALYPSO.name, runs_on=STYX.name)
    assert (code, words) == (1, "node calypso: not measured: its check ran on styx")


@contextmanager
def _unreachable(running: Fleet, address: object) -> Iterator[None]:
    internet = running.topology.internet
    internet.ip(f"rule add prio 1 iif to-tethys to {address} blackhole")
    # Local addresses are found by a rule of their own, before any other.
    internet.ip("rule add prio 2 table local", "rule del prio 0")
    try:
        yield
    finally:
        internet.ip("rule add prio 0 table local", "rule del prio 2", "rule del prio 1")


def _without_database(running: Fleet) -> AbstractContextManager[None]:
    return _unreachable(running, DATABASE.address)


def _without_s3(running: Fleet) -> AbstractContextManager[None]:
    return _unreachable(running, S3.address)


def _without_api_server(running: Fleet) -> AbstractContextManager[None]:
    return pods_without_api_server(running.topology.nodes[STYX.name].namespace)


@contextmanager
def _without_pod_network(running: Fleet) -> Iterator[None]:
    internet = running.topology.internet
    internet.ip(f"route del {TETHYS.pods}")
    # The cluster's DNS may be on that node too: let its answers through, and nothing else.
    own = [f"{each}/32" for each in running.cluster_dns() if each in TETHYS.pods]
    internet.ip(*(f"route add {each} via {TETHYS.outside}" for each in own))
    client = client_on(running, STYX.name)
    try:
        # The tunnel finds a way by the nodes' own addresses; that takes it some seconds.
        until(client.is_steady, "traffic by another path", seconds=60)
        yield
    finally:
        internet.ip(*(f"route del {each}" for each in own))
        internet.ip(f"route add {TETHYS.pods} via {TETHYS.outside}")


@contextmanager
def _without_policies(running: Fleet) -> Iterator[None]:
    running.enforce(policies=False)
    try:
        yield
    finally:
        running.enforce(policies=True)


@pytest.mark.parametrize(
    ("fault", "failed"),
    [
        (_without_database, {"database"}),
        (_without_s3, {"s3"}),
        (_without_api_server, {"cluster-api"}),
        (_without_pod_network, {_PEER}),
        (_without_policies, {"direct-echo"}),
    ],
    ids=lambda value: getattr(value, "__name__", "").strip("_"),
)
def test_it_names_the_check_that_is_broken(
    running: Fleet, fault: Callable[[Fleet], AbstractContextManager[None]], failed: set[str]
) -> None:
    with fault(running):
        code, words, found = _gate(running, STYX.name)
    assert (code, found) == (1, failed), words
    assert all(name in words for name in failed)


def test_it_fails_while_the_exit_node_is_not_approved(running: Fleet) -> None:
    running.approve(TETHYS.name, [])
    try:
        code, words, found = _gate(running, STYX.name)
    finally:
        running.approve(TETHYS.name)
    assert code == 1
    assert {"egress-address", "egress-address-socks5", "database", "s3"} <= found, words


def test_it_fails_without_the_clusters_dns(running: Fleet) -> None:
    running.scale("deployments", "kube-system", "coredns", 0)
    until(lambda: not running.cluster_dns(), "the cluster's DNS is gone")
    code, words, found = _gate(running, STYX.name)
    assert code == 1
    assert "cluster-dns" in found, words
