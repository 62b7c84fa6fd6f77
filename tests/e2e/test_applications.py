"""The operators' path end to end: project-bootstrapper works before, during and after a roll-out.

In the operators' documents it is what failed: "network is unreachable", 486 times.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cluster.labels import CLIENT_NAMESPACE_LABELS
from workshop.lab.kube import Objects
from workshop.lab.network.plan import ECHO, TETHYS
from workshop.lab.node_kind import NodeKind
from workshop.testing.checkout import passed
from workshop.testing.lab_fleet import NAMESPACE_PATH, Fleet, running_lab
from workshop.testing.recording import configured
from workshop.testing.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.network]

_PROGRAMS = Path(__file__).parent / "programs" / "applications"
_MANIFEST = Path(__file__).parent / "manifests" / "applications.yaml"
_APPS = "/api/v1/namespaces/apps"
_MORE = {
    "name": "geography",
    "host": ECHO.host,
    "port": 443,
    "localPort": 15444,
    "protocol": "https",
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The stack on real nodes, with the two applications in `apps`."""
    with running_lab(
        tmp_path_factory.mktemp("lab"), left_out=("monitoring",), nodes=NodeKind.REAL
    ) as lab:
        passed(lab.update())
        with lab.api() as api:
            Objects(api).apply(_applications())
        for name in ("label-studio", "project-bootstrapper"):
            path = f"/apis/apps/v1/namespaces/apps/deployments/{name}"
            until(lambda path=path: _available(lab, path), f"{name} available")  # type: ignore[misc]
        yield lab


def _available(fleet: Fleet, path: str) -> bool:
    return bool(fleet.get(path).get("status", {}).get("availableReplicas", 0))


def _applications() -> list[dict[str, Any]]:
    """The applications, their namespace and their programs."""
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "apps", "labels": CLIENT_NAMESPACE_LABELS},
    }
    programs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "programs", "namespace": "apps"},
        "data": {path.name: path.read_text() for path in sorted(_PROGRAMS.glob("*.py"))},
    }
    applications = yaml.safe_load(_MANIFEST.read_text())["items"]
    for manifest in applications:
        if manifest["kind"] == "Deployment":
            (container,) = manifest["spec"]["template"]["spec"]["containers"]
            container["image"] = configured("egress")["checkImage"]
    return [namespace, programs, *applications]


def _pod(fleet: Fleet, name: str) -> dict[str, Any]:
    pod: dict[str, Any]
    (pod,) = fleet.get(f"{_APPS}/pods?labelSelector=app={name}")["items"]
    return pod


def _turns(fleet: Fleet) -> list[dict[str, Any]]:
    """What project-bootstrapper has printed so far."""
    path = f"{_APPS}/pods/{_pod(fleet, 'project-bootstrapper')['metadata']['name']}/log"
    with fleet.api() as api:
        answer = api.get(path)
    return [json.loads(line) for line in answer.text.splitlines()] if answer.is_success else []


def _all_well(fleet: Fleet) -> dict[str, Any]:
    """A turn in which all worked: the database by the gateway's Service, as the exit node."""
    service = fleet.get(f"{NAMESPACE_PATH}/services/to-database")["spec"]["clusterIP"]
    return {"webhook": "201", "database": f"{service} {TETHYS.outside}", "s3": "200"}


def _of(turn: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in turn.items() if key != "turn"}


def _until_well(fleet: Fleet) -> None:
    """Wait for one more turn in which all works."""
    done = len(_turns(fleet))
    well = _all_well(fleet)
    try:
        until(lambda: well in map(_of, _turns(fleet)[done:]), "all of a turn works")
    except AssertionError:
        print(f"not {well}: {_turns(fleet)[-3:]}")
        raise


def test_it_registers_its_webhook_asks_the_database_and_puts_an_object(fleet: Fleet) -> None:
    _until_well(fleet)


def test_it_goes_on_through_a_roll_out_of_the_gateways(fleet: Fleet) -> None:
    _until_well(fleet)
    began = len(_turns(fleet))
    before = {pod["metadata"]["uid"] for pod in fleet.pods("oceanid-gateway")}

    def one_more_destination(config: dict[str, Any]) -> None:
        config["oceanid-cluster:egress"]["destinations"].append(_MORE)

    fleet.change_settings(one_more_destination)
    passed(fleet.update())
    assert not before & {pod["metadata"]["uid"] for pod in fleet.pods("oceanid-gateway")}
    _until_well(fleet)
    turns = _turns(fleet)[began:]
    # Whatever the gateways do, the cluster's own Services are no matter of theirs.
    assert {turn["webhook"] for turn in turns} == {"201"}
    well = _all_well(fleet)
    failed = [turn for turn in turns if _of(turn) != well]
    print(f"{len(turns)} turns, of them {len(failed)} not well: {failed}")
    # One that failed got nowhere: nobody was reached by another way or from another address.
    reached = re.compile(r"[0-9.]+( [0-9.]+)?")
    for turn in failed:
        for name, answer in well.items():
            assert turn[name] == answer or not reached.fullmatch(turn[name])


def test_label_studio_is_asked_by_the_pods_own_address(fleet: Fleet) -> None:
    path = f"{_APPS}/services/label-studio:8080/proxy/api/webhooks"
    assert fleet.get(path) == [_pod(fleet, "project-bootstrapper")["status"]["podIP"]]
