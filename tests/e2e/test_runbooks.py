"""Every command of the runbooks that is marked for the lab, run as it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.nodes import Node, register, wait_until_ready
from tests.e2e.fleet import said
from tests.e2e.runbook_site import Site, running_site
from tests.runbook import Where, blocks, runbooks

# The first one deploys the whole stack; on a loaded machine that alone takes minutes.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

# The old set-up is left first, as the preflight demands; what moves the exit node is last.
_FIRST, _LAST = "leaving-host-tailscale", "exit-node"
_EXIT_NODE = "oceanid-dev-exit-tethys"
_DEFAULT_ROUTES = ["0.0.0.0/0", "::/0"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all runbooks, each of which leaves it mended."""
    with running_site(tmp_path_factory.mktemp("site")) as one:
        yield one


def _a_machine_joins(site: Site) -> None:
    naiad = (Node(name="naiad", address="203.0.113.9", labels={}),)
    with site.fleet.api() as api:
        register(api, naiad)
        wait_until_ready(api, naiad)


def _somebody_takes_the_approval_back(site: Site) -> None:
    node = site.device(_EXIT_NODE)["nodeId"]
    with site.tailnet() as api:
        api.post(f"/device/{node}/routes", json={"routes": []}).raise_for_status()
    assert site.device(_EXIT_NODE)["enabledRoutes"] == []


def _it_is_approved(site: Site) -> None:
    assert sorted(site.device(_EXIT_NODE)["enabledRoutes"]) == _DEFAULT_ROUTES


def _it_has_moved(site: Site) -> None:
    assert site.checkout.outputs("dev")["egressAddresses"] == ["191.101.1.3"]


def _the_daemon_set_is_gone(site: Site) -> None:
    items = site.fleet.get("/apis/apps/v1/daemonsets")["items"]
    assert {each["metadata"]["namespace"] for each in items} == {"oceanid-egress"}


# What has happened when somebody opens a runbook at that heading, and what is so when it is done.
_BEFORE: dict[tuple[str, str], Callable[[Site], None]] = {
    ("nodes", "Adding a node"): _a_machine_joins,
    ("nodes", "Removing a node"): _a_machine_joins,
    ("exit-node", "Offline or not approved"): _somebody_takes_the_approval_back,
}
_AFTER: dict[tuple[str, str], Callable[[Site], None]] = {
    (_FIRST, ""): _the_daemon_set_is_gone,
    ("exit-node", "Offline or not approved"): _it_is_approved,
    (_LAST, "A planned move"): _it_has_moved,
}


def _in_turn() -> list[tuple[Path, str]]:
    """Each runbook's headings that hold something to run."""
    turn = {_FIRST: 0, _LAST: 2}
    return [
        (path, section)
        for path in sorted(runbooks(), key=lambda path: turn.get(path.stem, 1))
        for section in dict.fromkeys(
            block.section for block in blocks(path) if block.where is Where.LAB
        )
    ]


@pytest.mark.parametrize(
    ("runbook", "section"), _in_turn(), ids=lambda part: getattr(part, "stem", part)
)
def test_its_commands_run_as_they_stand(site: Site, runbook: Path, section: str) -> None:
    if runbook.stem != _FIRST:
        site.has_left_host_tailscale()
    place = (runbook.stem, section)
    _BEFORE.get(place, _nothing)(site)
    for block in blocks(runbook):
        if block.section != section:
            continue
        if block.where is Where.SETTINGS:
            site.edit(block.why, block.text)
        elif block.where is Where.LAB:
            result = site.shell(block.text)
            assert result.returncode == 0, f"{block.name}\n{block.text}\n{said(result)}"
    _AFTER.get(place, _nothing)(site)


def _nothing(_site: Site) -> None:
    """Most headings need nothing to have happened."""
