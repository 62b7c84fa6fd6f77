"""A node whose disk is full: its gateway goes, nothing leaks, and with room it comes back."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from settings.names import NAMESPACE
from tests.fleet_fixture import fleet_fixture
from tests.nodes.alerts import assert_firing
from tests.nodes.failing_node import EXIT_ADDRESS, has, kubelet, undisturbed
from workshop.lab.network.plan import CALYPSO, STYX
from workshop.lab.node import spec
from workshop.testing.nodes.clients import client_on
from workshop.testing.nodes.fleet import APPLICATIONS, Fleet
from workshop.testing.nodes.leaks import nothing_leaks
from workshop.testing.waiting import until

pytestmark = pytest.mark.network


running = fleet_fixture()


def test_it_evicts_the_gateway_which_comes_back_when_there_is_room(
    running: Fleet, tmp_path: Path
) -> None:
    with nothing_leaks(running), undisturbed(running, CALYPSO.name):
        gateway, application = running.gateway(STYX.name), running.application(STYX.name)
        with _full_disk(running, STYX.name):
            until(lambda: has(running, STYX.name, "DiskPressure"), "its disk is full")
            until(lambda: gateway.name in _evicted(running, NAMESPACE), "the gateway is evicted")
            until(lambda: application.name in _evicted(running, APPLICATIONS), "so are others")
            assert has(running, STYX.name, "Ready")
            assert_firing(running, tmp_path, "OceanidGatewayNotReady")
        until(lambda: not has(running, STYX.name, "DiskPressure"), "there is room")
        # Nothing makes a bare pod again.
        running.end_pod(application)
        running.until_gateways(STYX.name)
        assert client_on(running, STYX.name).address_by_database() == EXIT_ADDRESS
    assert_firing(running, tmp_path)


def _evicted(running: Fleet, namespace: str) -> set[str]:
    """The pods of a namespace that a kubelet has evicted."""
    query = {"fieldSelector": "reason=Evicted"}
    events = running.listed(f"/api/v1/namespaces/{namespace}/events", query)
    return {each["involvedObject"]["name"] for each in events}


@contextmanager
def _full_disk(running: Fleet, node: str) -> Iterator[None]:
    """The node's kubelet takes its disk for full: less is free than it wants to be.

    The disk is this machine's, so it is the kubelet's threshold that is moved.
    """
    _restart(running, node, "99%")
    try:
        yield
    finally:
        _restart(running, node, "0%")


def _restart(running: Fleet, node: str, wanted: str) -> None:
    """Have the node's kubelet start again and want so much of its disk free."""
    file = spec.folder(running.home, node) / "kubelet.json"
    config: dict[str, Any] = json.loads(file.read_text())
    config["evictionHard"]["nodefs.available"] = wanted
    # Five minutes by default.
    config["evictionPressureTransitionPeriod"] = "5s"
    file.write_text(json.dumps(config))
    os.kill(kubelet(running, node), signal.SIGKILL)
