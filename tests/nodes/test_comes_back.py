"""A lab comes back from any crash by `lab up`, and `lab down` leaves nothing on the machine."""

import os
import random
import secrets
import signal
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from tests.nodes.machine import inside, left, network_namespaces, programs, tables
from workshop.lab import processes, running
from workshop.lab.home import Home
from workshop.lab.kube import connect
from workshop.lab.network.plan import FLEET, TETHYS
from workshop.lab.node import fleet
from workshop.lab.node_kind import NodeKind
from workshop.lab.nodes import is_ready
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_KILLS, _ROUNDS = 20, 5
# The same in every run of CI, so that a red run is about the change; OCEANID_SEED repeats a run.
_SEED = int(os.environ.get("OCEANID_SEED") or ("CI" in os.environ or secrets.randbelow(100_000)))
_chance = random.Random(_SEED)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Another lab's folder, whose lab the tests start and end."""
    home = Home(path=tmp_path_factory.mktemp("second"))
    home.make()
    yield home
    running.down(home)


def _kill(pids: dict[str, int]) -> None:
    for pid in pids.values():
        # One that was killed before may have taken it along.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _assert_well(home: Home, before: dict[str, int], killed: dict[str, int]) -> None:
    """All that ran before runs, nothing killed does, and the cluster answers with ready nodes."""
    now = programs(home)
    restarted = {name for name in before if not name.endswith("/coredns")}
    assert restarted <= set(now)
    assert not set(killed.values()) & set(now.values())
    with connect(home.kubeconfig) as api:
        nodes = api.get("/api/v1/nodes").raise_for_status().json()["items"]
        assert {node["metadata"]["name"] for node in nodes if is_ready(node)} == {
            plan.name for plan in FLEET
        }
        for plan in FLEET:
            # Through the API server to the kubelet itself: no stale condition says this.
            path = f"/api/v1/nodes/{plan.name}/proxy/healthz"
            assert api.get(path).raise_for_status().text == "ok"
        until(lambda: _dns_runs(api), "the cluster's DNS is available")


def _dns_runs(api: httpx.Client) -> bool:
    path = "/apis/apps/v1/namespaces/kube-system/deployments/coredns/status"
    status = api.get(path).raise_for_status().json()["status"]
    return bool(status.get("availableReplicas", 0) >= 1)


@pytest.mark.parametrize("turn", range(_ROUNDS))
def test_lab_up_brings_back_what_was_killed(lab: Home, turn: int) -> None:
    before = programs(lab)
    names = _chance.sample(sorted(before), _KILLS // _ROUNDS)
    print(f"OCEANID_SEED={_SEED}: round {turn}: kill -9 of {', '.join(names)}")
    killed = {name: before[name] for name in names}
    _kill(killed)
    assert running.up(lab, NodeKind.REAL) == 0
    _assert_well(lab, before, killed)


def test_lab_up_lays_the_network_again_when_one_namespace_has_ended(lab: Home) -> None:
    before, in_network = programs(lab), inside(network_namespaces(lab))
    router = fleet.namespaces(lab)["router of calypso"]
    _kill({"holder": int(router.split("/")[2])})
    assert running.up(lab, NodeKind.REAL) == 0
    _assert_well(lab, before, before)
    assert in_network
    assert not in_network & inside(network_namespaces(lab))


@pytest.mark.parametrize("turn", range(_ROUNDS))
def test_lab_up_brings_back_a_lab_that_was_killed_whole(lab: Home, turn: int) -> None:
    before = programs(lab)
    _kill(before)
    assert running.up(lab, NodeKind.REAL) == 0, turn
    _assert_well(lab, before, before)


def test_two_labs_do_not_meet_and_one_that_is_down_leaves_nothing(lab: Home, second: Home) -> None:
    machine = tables()
    running.up(second, NodeKind.REAL)
    spaces = network_namespaces(second)
    assert not spaces & network_namespaces(lab)
    assert tables() == machine
    with connect(lab.kubeconfig) as api, connect(second.kubeconfig) as other:
        made = {"metadata": {"name": "of-the-first"}}
        api.post("/api/v1/namespaces", json=made).raise_for_status()
        assert other.get("/api/v1/namespaces/of-the-first").status_code == httpx.codes.NOT_FOUND
    assert left(second, spaces)["mounts"]
    assert left(second, spaces)["cgroups"]
    running.down(second)
    until(lambda: not any(left(second, spaces).values()), "nothing is left", seconds=20)
    assert tables() == machine
    # The first has not noticed.
    assert processes.find(lab, f"node-{TETHYS.name}") is not None
    _assert_well(lab, programs(lab), {})
