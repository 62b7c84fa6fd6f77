"""Whether each exit node that exists is approved and online in the tailnet.

One that an update can fix is a warning: else a rollback would be refused for what it is to undo.
"""

from collections.abc import Collection, Iterator, Sequence

from operations.kubernetes.objects import name_of, status_of
from operations.preflight.finding import PreflightFinding, fail, note, ok, warn
from operations.preflight.tailnet import Device
from operations.preflight.view import Kind, View
from operations.preflight.workload import is_ours
from settings import Settings

_DEFAULT_ROUTES = {"0.0.0.0/0", "::/0"}


def check(
    settings: Settings, devices: Sequence[Device], running: Collection[str]
) -> Iterator[PreflightFinding]:
    """A finding for each exit node of the settings; one not registered yet is a note.

    `running` are the hostnames whose pods are ready in the cluster.
    """
    for exit_node in settings.exit_nodes:
        hostname = exit_node.hostname
        namesakes = [device for device in devices if device.get("hostname") == hostname]
        yield _judge(f"exit node {hostname}", namesakes, runs=hostname in running)


def running(cluster: View) -> set[str]:
    """The hostnames of this stack's exit nodes with a ready pod; raises UnavailableError."""
    return {
        name_of(stateful_set)
        for stateful_set in cluster.items(Kind.STATEFUL_SETS)
        if is_ours(stateful_set) and status_of(stateful_set).get("readyReplicas")
    }


def _judge(where: str, namesakes: Sequence[Device], *, runs: bool) -> PreflightFinding:
    if not namesakes and not runs:
        return note(where, "not in the tailnet yet: this update registers it")
    if not namesakes:
        return warn(
            where,
            "its pod runs, but the tailnet has no device of its name",
            "restart the pod, which logs in again; has somebody removed the device?",
        )
    if len(namesakes) > 1:
        ids = ", ".join(sorted(str(device.get("nodeId")) for device in namesakes))
        return fail(
            where,
            f"{len(namesakes)} devices claim its name ({ids})",
            "remove those that are gone from the tailnet's machines page",
        )
    return _standing(where, namesakes[0])


def _standing(where: str, device: Device) -> PreflightFinding:
    if device.get("authorized") is False:
        return fail(
            where,
            "the tailnet has not authorized the device",
            "authorize it on the tailnet's machines page",
        )
    # Absent in the responses of older control planes: then only the time of lastSeen is known.
    if device.get("connectedToControl") is False:
        return warn(
            where,
            f"offline, last seen {device.get('lastSeen', 'at an unknown time')}",
            "look at its pod; while it is away the fleet's traffic stops and gates fail",
        )
    missing = sorted(_DEFAULT_ROUTES - set(device.get("enabledRoutes") or []))
    if missing:
        return warn(
            where,
            f"online but not approved for {', '.join(missing)}: it is not an exit node",
            "run a refresh, then this update approves it; or approve it on the machines page",
        )
    return ok(where, "online and approved")
