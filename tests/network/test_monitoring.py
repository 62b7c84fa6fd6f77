"""The real prober, Envoy and tailscaled tell what the alerts ask for, when it matters."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from urllib.parse import quote

import pytest

from components.cluster.ports import HEALTH_PORT, HTTP_PORT, PROBER_PORT, STATUS_PORT
from components.egress.envoy import STATS_PATH
from settings.names import NAMESPACE
from tests.monitoring.metrics import asked_for, exported, value
from workshop.lab.network.plan import CALYPSO, ECHO, S3, STYX, TETHYS
from workshop.lab.node.pod import NodePod
from workshop.testing.nodes.fleet import Fleet, fleet, sleeper
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_NO_WAY = r"timed out|refused"
_TETHYS = {"envoy_cluster_name": "egress", "envoy_endpoint_hostname": TETHYS.name}
_DESTINATIONS = ("database", "s3")


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A fleet that is watched: `prometheus` is a pod where Prometheus would be."""

    fleet: Fleet
    prober: NodePod
    prometheus: NodePod

    def scrape(self, address: IPv4Address, port: int, path: str) -> str:
        """What Prometheus gets there; raises OSError."""
        return _get(self.prometheus, address, port, path)

    def probe(self, module: str, target: str) -> str:
        """What the prober answers Prometheus, as the monitors have it asked."""
        path = f"/probe?module={module}&target={quote(target, safe='')}"
        return self.scrape(self.prober.address, PROBER_PORT, path)

    def by_gateway(self, what: str, node: str = STYX.name) -> str:
        address = self.fleet.gateway(node).address
        return self.probe(f"by-gateway-{what}", f"{address}:{HTTP_PORT}")

    def prober_itself(self) -> str:
        return self.scrape(self.prober.address, PROBER_PORT, "/metrics")

    def exit_node(self) -> str:
        address = self.fleet.exit_node(TETHYS.name).address
        return self.scrape(address, HEALTH_PORT, "/metrics")

    def envoy(self) -> str:
        address = self.fleet.gateway(STYX.name).address
        return self.scrape(address, STATUS_PORT, STATS_PATH)


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    with fleet(tmp_path_factory.mktemp("fleet")) as made:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "monitoring"}}
        made.cluster.apply([namespace, *made.of_kind("Deployment")])
        made.start_gateways()
        made.until_gateways()
        prometheus = made.run(sleeper("monitoring", "prometheus", TETHYS.name))
        (prober,) = made.until_pods(NAMESPACE, "app.kubernetes.io/name=oceanid-prober")
        watch = Watch(fleet=made, prober=prober, prometheus=prometheus)
        # The network plugin hears of a new pod a moment after it runs, and refuses it until then.
        for scrape in (watch.prober_itself, watch.exit_node, watch.envoy):
            until(lambda scrape=scrape: _answers(scrape), f"Prometheus may do {scrape.__name__}")  # type: ignore[misc]
        yield watch


def _answers(scrape: Callable[[], str]) -> bool:
    with suppress(OSError):
        return bool(scrape())
    return False


@pytest.mark.parametrize("node", [STYX.name, CALYPSO.name])
def test_each_gateway_is_asked_for_the_address_it_is_seen_from(watch: Watch, node: str) -> None:
    text = watch.by_gateway("egress-address", node)
    assert value(text, "probe_success") == 1
    assert value(text, "probe_expect_info", address=str(TETHYS.outside)) == 1


@pytest.mark.parametrize("destination", _DESTINATIONS)
@pytest.mark.parametrize("node", [STYX.name, CALYPSO.name])
def test_each_destination_is_reached_through_each_gateway(
    watch: Watch, node: str, destination: str
) -> None:
    assert value(watch.by_gateway(destination, node), "probe_success") == 1


def test_by_the_service_an_application_gets_an_answer(watch: Watch) -> None:
    echo = watch.probe("by-service-egress-address", f"https://{ECHO.host}/ip")
    assert value(echo, "probe_success") == 1
    assert value(echo, "probe_failed_due_to_regex") == 0
    assert value(watch.probe("by-service-s3", f"https://{S3.host}:443/"), "probe_success") == 1


def test_every_metric_that_is_asked_for_is_exported(watch: Watch) -> None:
    probes = watch.by_gateway("egress-address") + watch.by_gateway("database")
    probes += watch.probe("by-service-egress-address", f"https://{ECHO.host}/ip")
    assert asked_for("probe_") <= exported(probes)
    assert asked_for("envoy_") <= exported(watch.envoy())
    assert asked_for("tailscaled_") <= exported(watch.exit_node())


def test_an_exit_node_that_loses_its_approval_answers_and_carries_nothing(watch: Watch) -> None:
    watch.fleet.approve(TETHYS.name, routes=[])
    try:
        until(
            lambda: value(watch.by_gateway("database"), "probe_success") == 0,
            "nothing gets through an exit node that is not approved",
        )
        assert value(watch.by_gateway("s3"), "probe_success") == 0
        assert value(watch.by_gateway("egress-address"), "probe_success") == 0
        assert value(watch.envoy(), "envoy_cluster_endpoint_healthy", **_TETHYS) == 1
    finally:
        watch.fleet.approve(TETHYS.name)
        watch.fleet.until_gateways()


def test_an_exit_node_that_hangs_is_told_by_envoy_and_by_the_probes(watch: Watch) -> None:
    hangs = watch.fleet.exit_node(TETHYS.name).container("tailscale")
    assert value(watch.envoy(), "envoy_cluster_endpoint_healthy", **_TETHYS) == 1
    hangs.freeze()
    try:
        until(
            lambda: value(watch.envoy(), "envoy_cluster_endpoint_healthy", **_TETHYS) == 0,
            "Envoy sees that the exit node does not answer",
        )
        assert value(watch.by_gateway("database"), "probe_success") == 0
        assert value(watch.by_gateway("egress-address"), "probe_success") == 0
    finally:
        hangs.thaw()
        watch.fleet.until_gateways()


def test_nobody_but_prometheus_may_scrape_or_have_it_probed(watch: Watch) -> None:
    application = watch.fleet.application(STYX.name)
    for pod, port in (
        (watch.prober, PROBER_PORT),
        (watch.fleet.gateway(STYX.name), STATUS_PORT),
        (watch.fleet.exit_node(TETHYS.name), HEALTH_PORT),
    ):
        with pytest.raises(OSError, match=_NO_WAY):
            _get(application, pod.address, port, "/metrics", seconds=1)


def test_the_prober_itself_reaches_nothing_but_gateways(watch: Watch) -> None:
    with pytest.raises(OSError, match=_NO_WAY):
        _get(watch.prober, ECHO.address, 80, "/ip", seconds=1)


def _get(pod: NodePod, address: IPv4Address, port: int, path: str, *, seconds: float = 20.0) -> str:
    connection = http.client.HTTPConnection(str(address), port, timeout=seconds)
    with pod.network.entered():
        connection.connect()
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()
