"""A running Envoy for the tests that ask one: one a file, with both exit nodes well at first."""

from collections.abc import Iterator
from functools import partial

import pytest

from components.egress.envoy import bootstrap
from tests.unit.envoy_process import running
from tests.unit.envoy_scene import Scene, gateway_of
from tests.unit.tunnel_proxy import Health, TunnelProxy
from workshop.testing.waiting import until


@pytest.fixture(scope="module")
def one_envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("envoy")
    with (
        TunnelProxy("preferred", "100.64.0.1") as preferred,
        TunnelProxy("second", "100.64.0.2") as second,
    ):
        gateway = gateway_of(folder, preferred, second)
        with running(bootstrap(gateway), folder, gateway.status_port) as log:
            yield Scene(gateway, preferred, second, log)


@pytest.fixture
def scene(one_envoy: Scene) -> Iterator[Scene]:
    """The preferred exit node is used at the beginning, and both answer again afterwards."""
    for port in (one_envoy.database, one_envoy.gateway.socks5_port):
        # Each has a health check of its own, and comes back by it.
        until(partial(one_envoy.reaches, "preferred", port), "the preferred exit node is used")
    yield one_envoy
    for each in (one_envoy.preferred, one_envoy.second):
        each.set_health(Health.ANSWERS)
