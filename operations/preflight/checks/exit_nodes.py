"""Whether each exit node that exists is approved and online in the tailnet.

One that an update can mend is a warning: else a rollback would be refused for what it is to undo.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from preflight.kubectl import Kind, View
from preflight.result import Result, Verdict
from preflight.tailnet import Device
from preflight.workload import is_ours
from settings import Settings

CHECK = "exit-nodes"
_DEFAULT_ROUTES = {"0.0.0.0/0", "::/0"}


def check(
    settings: Settings, devices: Sequence[Device], running: Collection[str]
) -> Iterator[Result]:
    """A result for each exit node of the settings; one not registered yet is a note.

    `running` are the hostnames whose pods are ready in the cluster.
    """
    for exit_node in settings.exit_nodes:
        hostname = exit_node.hostname
        namesakes = [each for each in devices if each.get("hostname") == hostname]
        yield _judge(f"exit node {hostname}", namesakes, runs=hostname in running)


def running(cluster: View) -> set[str]:
    """The hostnames of this stack's exit nodes with a ready pod; raises UnseenError."""
    return {
        each["metadata"]["name"]
        for each in cluster.items(Kind.STATEFUL_SETS)
        if is_ours(each) and each.get("status", {}).get("readyReplicas")
    }


def _judge(where: str, namesakes: Sequence[Device], *, runs: bool) -> Result:
    if not namesakes:
        verdict, what, remedy = _absent(runs=runs)
    elif len(namesakes) > 1:
        ids = ", ".join(sorted(str(each.get("nodeId")) for each in namesakes))
        verdict, what = Verdict.FAIL, f"{len(namesakes)} devices claim its name ({ids})"
        remedy = "remove those that are gone from the tailnet's machines page"
    else:
        verdict, what, remedy = _standing(namesakes[0])
    return Result(check=CHECK, verdict=verdict, where=where, what=what, remedy=remedy)


def _absent(*, runs: bool) -> tuple[Verdict, str, str]:
    if not runs:
        return Verdict.NOTE, "not in the tailnet yet: this update registers it", ""
    return (
        Verdict.WARN,
        "its pod runs, but the tailnet has no device of its name",
        "restart the pod, which logs in anew; has somebody removed the device?",
    )


def _standing(device: Device) -> tuple[Verdict, str, str]:
    if device.get("authorized") is False:
        return (
            Verdict.FAIL,
            "the tailnet has not authorized the device",
            "authorize it on the tailnet's machines page",
        )
    # Absent in the answers of older control planes: then only the time it was last seen is known.
    if device.get("connectedToControl") is False:
        return (
            Verdict.WARN,
            f"offline, last seen {device.get('lastSeen', 'at an unknown time')}",
            "look at its pod; while it is away the fleet's traffic stops and gates fail",
        )
    missing = sorted(_DEFAULT_ROUTES - set(device.get("enabledRoutes") or []))
    if missing:
        return (
            Verdict.WARN,
            f"online but not approved for {', '.join(missing)}: it is no exit node",
            "run a refresh, then this update approves it; or approve it on the machines page",
        )
    return Verdict.OK, "online and approved", ""
