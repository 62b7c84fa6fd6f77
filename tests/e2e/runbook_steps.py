"""A runbook's commands at one heading, with what has happened before somebody opens it there."""

from collections.abc import Callable
from pathlib import Path

from components.cluster.labels import GATEWAY
from settings.names import NAMESPACE
from tests.e2e.lab_fixture import join
from tests.e2e.runbook_site import Site
from workshop.lab.nodes import Node
from workshop.lab.runbook import Where, blocks, runbooks
from workshop.testing.checkout import passed, said

# The old set-up is left first, as the preflight demands; what moves the exit node is last.
_FIRST, _LAST = "leaving-host-tailscale", "exit-node"
_EXIT_NODE = "oceanid-dev-exit-tethys"
_DEFAULT_ROUTES = ["0.0.0.0/0", "::/0"]


def _a_machine_joins(site: Site) -> None:
    join(site.fleet, Node(name="naiad", address="203.0.113.9", labels={}))


def _somebody_takes_the_approval_back(site: Site) -> None:
    node = site.device(_EXIT_NODE)["nodeId"]
    with site.fleet.tailnet() as api:
        api.post(f"/device/{node}/routes", json={"routes": []}).raise_for_status()
    assert site.device(_EXIT_NODE)["enabledRoutes"] == []


def _it_is_approved(site: Site) -> None:
    assert sorted(site.device(_EXIT_NODE)["enabledRoutes"]) == _DEFAULT_ROUTES


def _it_has_moved(site: Site) -> None:
    assert site.checkout.outputs("dev")["egressAddresses"] == ["191.101.1.3"]


def _the_daemon_set_is_gone(site: Site) -> None:
    items = site.fleet.get("/apis/apps/v1/daemonsets")["items"]
    assert {each["metadata"]["namespace"] for each in items} == {NAMESPACE}


def _it_is_emptied_and_still_there(site: Site) -> None:
    _a_machine_joins(site)
    passed(site.shell("kubectl cordon naiad"))


def _it_takes_pods_and_goes(site: Site) -> None:
    assert not site.fleet.get("/api/v1/nodes/naiad")["spec"].get("unschedulable")
    passed(site.shell("kubectl delete node naiad"))


def _somebody_taints_a_node(site: Site) -> None:
    passed(site.shell("kubectl taint node calypso dedicated=gpu:NoSchedule"))


def _its_gateway_is_a_new_one_that_tolerates_the_taint(site: Site) -> None:
    (tolerations,) = [
        each["spec"]["tolerations"]
        for each in site.fleet.pods(GATEWAY)
        if each["spec"].get("nodeName") == "calypso"
    ]
    assert "dedicated" in {each.get("key") for each in tolerations}


def _it_is_measured_though_no_setting_names_it(site: Site) -> None:
    checks = site.fleet.pods("oceanid-egress-check")
    assert "naiad" in {each["spec"]["nodeName"] for each in checks}


def _it_starves_as_before(site: Site) -> None:
    path = "/apis/apps/v1/namespaces/pulumi-system/deployments"
    (deployment,) = site.fleet.get(path)["items"]
    assert "seccompProfile" not in str(deployment["spec"]["template"])


# What has happened when somebody opens a runbook at that heading, and what is so when it is done.
_BEFORE: dict[tuple[str, str], Callable[[Site], None]] = {
    ("nodes", "Removing a node"): _a_machine_joins,
    ("nodes", "A node has a taint"): _somebody_taints_a_node,
    ("exit-node", "Offline or not approved"): _somebody_takes_the_approval_back,
}
# And when they take it back again.
_BEFORE_ROLL_BACK: dict[tuple[str, str], Callable[[Site], None]] = {
    ("nodes", "Removing a node"): _it_is_emptied_and_still_there,
    ("nodes", "A node has a taint"): _its_gateway_is_a_new_one_that_tolerates_the_taint,
}
_AFTER: dict[tuple[str, str], Callable[[Site], None]] = {
    (_FIRST, ""): _the_daemon_set_is_gone,
    ("exit-node", "Offline or not approved"): _it_is_approved,
    ("nodes", "Adding a node"): _it_is_measured_though_no_setting_names_it,
    ("nodes", "Removing a node"): _it_takes_pods_and_goes,
    ("pod-security", "A workload has no pods"): _it_starves_as_before,
    (_LAST, "A planned move"): _it_has_moved,
}


# The runbooks about synced secrets; all others need none.
_OF_SECRETS = frozenset({"esc-token", "upgrades"})


def parts(*, of_secrets: bool) -> list[tuple[Path, str]]:
    """Each heading that holds something to run, of the runbooks about secrets or of the others."""
    turn = {_FIRST: 0, _LAST: 2}
    return [
        (path, section)
        for path in sorted(runbooks(), key=lambda path: turn.get(path.stem, 1))
        if (path.stem in _OF_SECRETS) == of_secrets
        for section in dict.fromkeys(
            block.section for block in blocks(path) if block.where is Where.LAB
        )
    ]


def label(part: Path | str) -> str:
    return part.stem if isinstance(part, Path) else part


def run_as_it_stands(site: Site, runbook: Path, section: str) -> None:
    """Run every command at that heading; each must succeed, and the site be mended by them."""
    if runbook.stem != _FIRST:
        site.has_left_host_tailscale()
    place = (runbook.stem, section)
    _BEFORE.get(place, _nothing)(site)
    taken_back = False
    for block in blocks(runbook):
        if block.section != section:
            continue
        if block.part == "Roll back" and not taken_back:
            taken_back = True
            _BEFORE_ROLL_BACK.get(place, _nothing)(site)
        if block.where is Where.SETTINGS:
            site.edit(block.why, block.text)
        elif block.where is Where.LAB:
            result = site.shell(block.text)
            assert result.returncode == 0, f"{block.name}\n{block.text}\n{said(result)}"
    _AFTER.get(place, _nothing)(site)


def _nothing(_site: Site) -> None:
    """Most headings need nothing to have happened."""
