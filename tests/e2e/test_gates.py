"""A gate measures every node there is, or fails and names it: against the real scheduler.

The nodes are simulated, so every gate's pod that runs passes: here counts where it runs. Somebody
cordons, taints, fills or adds the node. What gates measure is in tests/e2e/test_waves.py.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count

import pytest

from components.cluster.labels import GATEWAY
from tests.e2e.lab_fixture import calypso_cordoned, calypso_tainted, glutton, join
from workshop.lab.nodes import Node
from workshop.testing.checkout import Completed, passed, said
from workshop.testing.lab_fleet import WITHOUT_SECRETS, Fleet, running_lab
from workshop.testing.waiting import until

pytestmark = pytest.mark.e2e

_CALYPSO = "/api/v1/nodes/calypso"
# No longer than needed for a pod that never starts. Half of it is what a check may take to settle:
# with another half, every node is measured once more.
_SECONDS = count(20, 2)
_NAIAD = Node(name="naiad.example", address="203.0.113.9", labels={})


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A lab of its own, because these tests leave updates unfinished."""
    with running_lab(tmp_path_factory.mktemp("gates"), left_out=WITHOUT_SECRETS) as one:
        passed(_measured_once_more(one))
        yield one


def _measured_once_more(fleet: Fleet) -> Completed:
    """An update that changes no gateway and what its gates measure by."""
    egress = {"gateSeconds": next(_SECONDS)}
    fleet.change_settings(lambda config: config["oceanid-cluster:egress"].update(egress))
    return fleet.update()


def _out_of_cpu(fleet: Fleet) -> AbstractContextManager[None]:
    return glutton(fleet, "calypso")


@contextmanager
def _without_a_place_for_a_pod(fleet: Fleet) -> Iterator[None]:
    fleet.patch(f"{_CALYPSO}/status", {"status": {"allocatable": {"pods": "1"}}})
    yield
    fleet.patch(f"{_CALYPSO}/status", {"status": {"allocatable": {"pods": "110"}}})


def _measured(fleet: Fleet) -> dict[str, str]:
    """Phase of the gates' pods by the node on which they ran."""
    pods = fleet.pods("oceanid-egress-check")
    return {pod["spec"].get("nodeName", ""): pod["status"]["phase"] for pod in pods}


def _uids(fleet: Fleet) -> dict[str, str]:
    """Uids of the gates' pods by their node."""
    pods = fleet.pods("oceanid-egress-check")
    return {pod["spec"].get("nodeName", ""): pod["metadata"]["uid"] for pod in pods}


@pytest.mark.parametrize("away", [calypso_cordoned, calypso_tainted, _out_of_cpu])
def test_a_node_that_takes_no_pods_is_measured(
    deployed: Fleet, away: Callable[[Fleet], AbstractContextManager[None]]
) -> None:
    before = _uids(deployed)
    with away(deployed):
        passed(_measured_once_more(deployed))
    assert _measured(deployed)["calypso"] == "Succeeded"
    assert _uids(deployed)["calypso"] != before["calypso"]


def test_a_node_without_a_place_for_a_pod_fails_its_gate_and_the_preflight_says_why(
    deployed: Fleet,
) -> None:
    with _without_a_place_for_a_pod(deployed):
        result = _measured_once_more(deployed)
        told = said(deployed.oceanid("preflight"))
    assert result.returncode != 0
    assert "gate-fleet/calypso" in said(result)
    assert "wave fleet, node calypso: was not measured" in told
    assert "Too many pods" in told


def test_a_node_that_the_cluster_lacks_fails_the_gate_with_its_name(deployed: Fleet) -> None:
    ghost = {"name": "ghost", "address": "203.0.113.7"}
    deployed.change_settings(lambda config: config["oceanid-cluster:nodes"].append(ghost))
    result = _measured_once_more(deployed)
    deployed.change_settings(lambda config: config["oceanid-cluster:nodes"].remove(ghost))
    text = said(result)
    assert result.returncode != 0
    assert "gate fleet: node ghost cannot be measured: the cluster has no node of that name" in text


def test_the_next_update_measures_every_node_and_passes(deployed: Fleet) -> None:
    passed(deployed.update())
    assert _measured(deployed) == dict.fromkeys(("tethys", "styx", "calypso"), "Succeeded")


def _has_its_gateway(fleet: Fleet) -> bool:
    return _NAIAD.name in {pod["spec"].get("nodeName") for pod in fleet.pods(GATEWAY)}


def test_a_node_that_only_the_last_wave_knows_is_measured_too(deployed: Fleet) -> None:
    join(deployed, _NAIAD)
    until(lambda: _has_its_gateway(deployed), "the new node's gateway")
    # No setting has changed: that the node is there is reason enough.
    passed(deployed.update())
    assert _measured(deployed)[_NAIAD.name] == "Succeeded"


def test_a_node_that_has_left_is_in_no_gate(deployed: Fleet) -> None:
    with deployed.api() as api:
        api.delete(f"/api/v1/nodes/{_NAIAD.name}").raise_for_status()
    # The pod garbage collector looks every 20 s, and waits 40 s for the node to come back.
    until(lambda: not _has_its_gateway(deployed), "the gateway goes with its node", seconds=240)
    passed(deployed.update())
    assert set(_measured(deployed)) == {"tethys", "styx", "calypso"}
