"""The incident of 13 October 2025 on a fleet: its policies away, its pod up on one node."""

from collections.abc import Iterator
from contextlib import contextmanager

from workshop.lab.outage.console import NodeConsole
from workshop.lab.outage.incident import Incident
from workshop.testing.nodes.fleet import Fleet
from workshop.testing.waiting import until

FIREWALLS = ("iptables", "nftables")
"""What the image's programs write their packet filter with: its own iptables, or the kernel's."""


def incident_without_policies(fleet: Fleet) -> Incident:
    """The incident on the fleet as it was on that day: nothing refuses it. Its exit node is up."""
    incident = Incident(home=fleet.home, kube=fleet.kube)
    for binding in fleet.of_kind("ValidatingAdmissionPolicyBinding"):
        fleet.kube.delete(fleet.cluster.path(binding)).raise_for_status()
    # The API server forgets them some moments later.
    until(lambda: incident.apply("nowhere", dry_run=True).is_success, "nothing refuses it")
    incident.start_exit_node()
    return incident


@contextmanager
def approved(incident: Incident) -> Iterator[None]:
    """As if somebody had approved its exit node, for as long as the block lasts."""
    incident.approve(approved=True)
    try:
        yield
    finally:
        incident.approve(approved=False)


@contextmanager
def incident_on(
    incident: Incident, node: str, *, firewall: str = FIREWALLS[-1]
) -> Iterator[NodeConsole]:
    """Its pod up on this node, and afterwards removed by the runbook, for the next test."""
    answer = incident.apply(node, firewall=firewall)
    assert answer.is_success, answer.text
    try:
        incident.until_up(node)
        yield NodeConsole(home=incident.home, name=node)
    finally:
        incident.delete()
        incident.recover(node)
        incident.until_gone()
