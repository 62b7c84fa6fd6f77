"""A `transparent` destination keeps its URL: DNS leads to the gateway, TLS is the site's own."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from workshop.lab.network.plan import CALYPSO, DATABASE, STYX, TETHYS
from workshop.lab.network.pod import RunningPod
from workshop.testing.network.fleet import APPLICATIONS, Fleet, fleet
from workshop.testing.network.traffic import DATABASE_PORT, Client, Session
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

_EXIT_ADDRESS = str(TETHYS.outside)
# One a second, well within the 30 s that a draining gateway leaves.
_QUESTIONS = 20
_PROGRAM = Path(__file__).with_name("verify_full.py")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet(tmp_path_factory.mktemp("fleet")) as made:
        for node in (STYX.name, CALYPSO.name):
            made.start_gateway(node)
        made.until_ready()
        yield made


@pytest.fixture(scope="module")
def application(running: Fleet) -> RunningPod:
    """A pod that knows nothing of gateways."""
    program = {"kind": "ConfigMap", "data": {"client.py": _PROGRAM.read_text()}}
    metadata = {"namespace": APPLICATIONS, "name": "client"}
    running.cluster.manifests.apply([program | {"metadata": metadata}])
    container = {
        "name": "client",
        "image": "docker.io/library/python:3.11",
        "command": ["sleep", "3600"],
        "volumeMounts": [{"name": "program", "mountPath": "/opt/client", "readOnly": True}],
    }
    spec = {
        "securityContext": {"runAsUser": 1000, "fsGroup": 1000},
        "containers": [container],
        "volumes": [{"name": "program", "configMap": {"name": "client"}}],
    }
    return running.cluster.run({"kind": "Pod", "metadata": metadata, "spec": spec}, STYX.name)


def test_the_databases_own_url_works_with_verify_full(
    running: Fleet, application: RunningPod
) -> None:
    command = ["python3", "/opt/client/client.py", DATABASE.host]
    said = application.containers["client"].execute(command, seconds=30)
    assert said is not None, application.containers["client"].started.last_words()
    service = running.cluster.manifests.get("Service", "to-database")["spec"]["clusterIP"]
    assert said.split() == [service, _EXIT_ADDRESS]


def test_open_connections_live_through_an_idle_time_and_through_a_roll_out(running: Fleet) -> None:
    elsewhere, here = Client.on(running, CALYPSO.name), Client.on(running, STYX.name)
    leaving = running.gateways[STYX.name]
    with (
        elsewhere.connect(DATABASE_PORT) as idle_raw,
        Session.open(idle_raw, elsewhere.tls) as idle,
        here.connect(DATABASE_PORT) as busy_raw,
        Session.open(busy_raw, here.tls) as busy,
    ):
        ending = threading.Thread(target=running.cluster.terminate, args=(leaving,))
        ending.start()
        # While it drains, open connections live and new ones are taken: there is no other gateway.
        answers = 0
        while ending.is_alive() and answers < _QUESTIONS:
            assert busy.client_address() == _EXIT_ADDRESS
            assert here.address_by_database() == _EXIT_ADDRESS
            answers += 1
            ending.join(1.0)
        assert answers == _QUESTIONS
        ending.join()
        running.start_gateway(STYX.name)
        running.until_ready(STYX.name)
        until(lambda: here.seen_address() == _EXIT_ADDRESS, "traffic by the new gateway")
        # All that time not a byte was sent on this one.
        assert idle.client_address() == _EXIT_ADDRESS
