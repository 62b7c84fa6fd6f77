"""A node that fails: nothing leaks, other nodes keep their egress, and its gateway comes back."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.fleet_fixture import fleet_fixture
from tests.nodes.alerts import assert_firing
from tests.nodes.failing_node import EXIT_ADDRESS, kubelet, undisturbed, until_ready
from workshop.lab import running as lab_commands
from workshop.lab.network.plan import CALYPSO, STYX
from workshop.lab.node import fleet as lab
from workshop.lab.node_kind import NodeKind
from workshop.testing.network.load import under_load
from workshop.testing.nodes.clients import client_on
from workshop.testing.nodes.fleet import Fleet
from workshop.testing.nodes.leaks import nothing_leaks
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

# A DaemonSet does not count such a node: its taint keeps new pods away.
_NOT_READY = ("OceanidNodeHeartbeatOld", "OceanidNodeNotReady")


running = fleet_fixture()


def test_a_node_that_is_powered_off_takes_nothing_along_and_comes_back(
    running: Fleet, tmp_path: Path
) -> None:
    assert_firing(running, tmp_path)
    with nothing_leaks(running), undisturbed(running, CALYPSO.name):
        lab.power_off(running.home, STYX.name)
        try:
            until_ready(running, STYX.name, ready=False)
            assert_firing(running, tmp_path, *_NOT_READY)
        finally:
            # `oceanid lab up` stands for whoever presses the button: no command for the gateway.
            assert lab_commands.up(running.home, NodeKind.REAL) == 0
        running.until_gateways(STYX.name)
        assert client_on(running, STYX.name).address_by_database() == EXIT_ADDRESS
    assert_firing(running, tmp_path)


def test_a_frozen_kubelet_stops_its_nodes_egress_and_nothing_else(
    running: Fleet, tmp_path: Path
) -> None:
    gateway = running.gateway(STYX.name)
    with (
        nothing_leaks(running),
        undisturbed(running, CALYPSO.name),
        under_load(client_on(running, STYX.name).address_by_database) as load,
    ):
        pid = kubelet(running, STYX.name)
        os.kill(pid, signal.SIGSTOP)
        try:
            until_ready(running, STYX.name, ready=False)
            # The gateway runs, but Kubernetes takes the pods of such a node out of their Services.
            until(load.is_refused, "the node's applications are refused", seconds=30)
            assert client_on(running, STYX.name, past_service=True).seen_address() == EXIT_ADDRESS
            assert_firing(running, tmp_path, *_NOT_READY)
        finally:
            os.kill(pid, signal.SIGCONT)
        moment = time.monotonic()
        until(lambda: load.first_through(EXIT_ADDRESS, moment) is not None, "traffic is back")
    # The same pod: nothing was restarted.
    uid = running.gateway(STYX.name).manifest["metadata"]["uid"]
    assert uid == gateway.manifest["metadata"]["uid"]
    assert_firing(running, tmp_path)
