"""A lab as a fixture, and the programs that tests run on one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from workshop.lab.node_kind import NodeKind
from workshop.lab.nodes import Node, register, wait_until_ready
from workshop.testing.checkout import REPOSITORY
from workshop.testing.lab_fleet import Fleet, running_lab
from workshop.testing.waiting import until

_PROGRAMS = Path(__file__).resolve().parent / "programs"


def lab_fixture(
    *,
    scope: Literal["module", "session"] = "module",
    left_out: tuple[str, ...] = (),
    deployed: bool = False,
    nodes: NodeKind = NodeKind.SIMULATED,
) -> Any:
    """A fixture of that scope: a lab of its own, and the stack on it when `deployed`."""

    @pytest.fixture(scope=scope)
    def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
        folder = tmp_path_factory.mktemp("lab")
        with running_lab(folder, left_out=left_out, deployed=deployed, nodes=nodes) as fleet:
            yield fleet

    return lab


def join(fleet: Fleet, node: Node) -> None:
    """Have a simulated node join the cluster, and wait until it takes pods."""
    with fleet.api() as api:
        register(api, (node,))
        wait_until_ready(api, (node,))


@contextmanager
def glutton(fleet: Fleet, node: str) -> Iterator[None]:
    """A pod on the node that takes all of its CPU, whatever taints it has."""
    container = {
        "name": "glutton",
        "image": "registry.example/glutton:1.0.0",
        "resources": {"requests": {"cpu": "8"}},
    }
    tolerations = [{"operator": "Exists"}]
    spec = {"nodeName": node, "containers": [container], "tolerations": tolerations}
    pods = "/api/v1/namespaces/default/pods"
    with fleet.api() as api:
        api.post(pods, json={"metadata": {"name": "glutton"}, "spec": spec}).raise_for_status()
        yield
        api.delete(f"{pods}/glutton").raise_for_status()


def replace_pod(fleet: Fleet, path: str) -> None:
    """Delete a pod, and wait until its controller has made it again and it is ready.

    Until then its name resolves nowhere, and a DNS pod that is cut off next never hears of it.
    """
    old = fleet.get(path)["metadata"]["uid"]
    with fleet.api() as api:
        api.delete(path).raise_for_status()

        def is_new() -> bool:
            answer = api.get(path)
            pod = answer.json() if answer.is_success else {"metadata": {"uid": old}}
            conditions = pod.get("status", {}).get("conditions", [])
            ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
            return ready and pod["metadata"]["uid"] != old

        until(is_new, "its controller has made the pod again", seconds=120)


def copy_program(name: str, folder: Path) -> None:
    """A program of this folder's in `folder`: the engine writes nothing into the checkout."""
    shutil.copy(_PROGRAMS / name / "__main__.py", folder)
    text = (_PROGRAMS / name / "Pulumi.yaml").read_text()
    (folder / "Pulumi.yaml").write_text(text.replace("../../../..", str(REPOSITORY)))
