"""Pulumi ESC by two addresses: this machine's, where a token is tried, and the pods'."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.delivery import rotate_token, run
from workshop.lab import stand_ins
from workshop.lab.home import Home
from workshop.lab.network import servers
from workshop.testing import stand_in_server

_NOBODY = "http://127.0.0.1:1/api/esc"


@pytest.fixture
def esc(tmp_path: Path) -> Iterator[stand_in_server.Started]:
    started = stand_in_server.start("workshop.lab.pulumi_esc", tmp_path)
    yield started
    started.process.kill()
    started.process.communicate()


def test_a_lab_on_real_nodes_names_the_port_here_and_the_name_in_the_cluster(
    tmp_path: Path,
) -> None:
    home = Home(path=tmp_path)
    for name in stand_ins.APIS:
        stand_ins.credentials(home, name).write_text("key\n")
    given = servers.environment(home)
    assert given["ESC_API_URL"] == f"http://127.0.0.1:{home.port('pulumi-esc')}/api/esc"
    assert given["ESC_API_URL_IN_CLUSTER"] == "https://api.pulumi.com/api/esc"


def test_a_token_is_tried_from_this_machine_and_the_update_takes_both_addresses(
    esc: stand_in_server.Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {
        "ESC_ACCESS_TOKEN": esc.api_key,
        "ESC_API_URL": f"{esc.url}/api/esc",
        "ESC_API_URL_IN_CLUSTER": _NOBODY,
    }
    updates = []

    def update(_command: object, given: dict[str, str]) -> int:
        updates.append(given)
        return 0

    monkeypatch.setattr(run, "stack_environment", lambda _stack: environment)
    monkeypatch.setattr(run, "stack_command", lambda *_: ["pulumi"])
    monkeypatch.setattr(run, "run", update)
    assert rotate_token.rotate("dev") == 0
    assert updates == [environment]
