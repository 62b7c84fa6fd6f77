"""The preflight: the fleet is looked at before any resource is registered."""

import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pulumi
import pulumi_command

from ..values.fields import Endpoint, endpoint
from .variables import PLANNED_API_SERVERS, PLANNED_NODES, ROLLBACK

# Exit codes of the preflight that come with results: none failed, one did, no answer.
_ANSWERS = (0, 1, 2)
# What stands in the SDK's errors before the provider's own words, such as a stand-in's refusal.
_PROVIDER_SAYS = "returned an error: "
# The check without whose answer there is nothing to render.
_API_SERVERS = "api-servers"
_NO_RESULTS = pulumi.RunError(
    "the preflight gave no results: `oceanid preflight --stack …` shows why; "
    "nothing has been changed"
)
_UNSEEN = (
    "preflight nodes: the cluster's nodes and gateways cannot be seen: the last wave's gate would "
    "measure the nodes of the settings only"
)


@dataclass(frozen=True, kw_only=True)
class FitCluster:
    """What the preflight has seen of the cluster.

    `api_groups` are the names of the API groups that it serves, None where they cannot be seen;
    `unnamed` its nodes that the settings do not name and that have a gateway, or will get one.
    `api_servers` are those that pods may reach, by the settings or by the cluster's own endpoints.
    With `stop`, what cannot be seen ends the update. `excused` are nodes that no gate measures: in
    a rollback those on which no pod can start, since a dead node must not keep back the others.
    `uids` are the nodes' uids by name.
    """

    api_groups: frozenset[str] | None
    unnamed: tuple[str, ...]
    api_servers: tuple[Endpoint, ...]
    stop: bool
    excused: frozenset[str] = frozenset()
    uids: Mapping[str, str] = field(default_factory=dict)

    def require_planned(self, named: Iterable[str]) -> None:
        """Refuse other nodes and API servers than a promotion's plan has; without one, nothing.

        `named` are the nodes of the settings. Raises pulumi.RunError, before anything is changed:
        the engine would refuse what the plan lacks in the middle of the update.
        """
        planned = os.environ.get(PLANNED_NODES)
        if planned is not None:
            # Each with its uid, where the plan has it: `styx=66d0…`.
            measured = dict(entry.partition("=")[::2] for entry in planned.split())
            nodes = {*named, *self.unnamed}
            again = {
                name for name in nodes & set(measured) if measured[name] not in self._uid(name)
            }
            _refuse_changed("nodes", (nodes ^ set(measured)) | again)
        servers = os.environ.get(PLANNED_API_SERVERS)
        if servers is not None:
            _refuse_changed("API servers", set(map(str, self.api_servers)) ^ set(servers.split()))

    def _uid(self, name: str) -> tuple[str, str]:
        return "", self.uids.get(name, "")


def _refuse_changed(what: str, changed: set[str]) -> None:
    if changed:
        raise pulumi.RunError(
            f"{what} have joined or left since the plan was made: {', '.join(sorted(changed))}: "
            "plan again, have it approved, and promote again; nothing has been changed"
        )


def require_fit(settings: str, *, stop: bool) -> FitCluster:
    """Run the preflight's checks with `settings`, the stack's own as one JSON object.

    A finding is a warning of the update; with `stop`, a check that failed ends the program, by
    pulumi.RunError with a line for each. So do API servers that neither the settings nor the
    cluster names, whatever `stop` says. A rollback is never stopped: the settings it goes back to
    may name a node that has died since, or a day too long ago.
    """
    rollback = _is_rollback()
    stop = stop and not rollback
    response = _run_preflight(settings)
    try:
        results, groups, unnamed = (response[key] for key in ("results", "groups", "unnamed"))
        answered, api_servers, uids = (response[key] for key in ("answered", "apiServers", "uids"))
        unfit = response["unfit"] if rollback else {}
    except KeyError:
        raise _NO_RESULTS from None
    failed = [_line(result) for result in results if result["verdict"] == "fail"]
    if not answered:
        # Whatever the settings say: without the API server no operation comes to an end.
        _end(failed)
    if api_servers is None:
        # A rollback or not: no policy can name them.
        _end([_line(r) for r in results if (r["check"], r["verdict"]) == (_API_SERVERS, "fail")])
    for result in results:
        if result["verdict"] == "warn":
            pulumi.log.warn(_line(result))
    if unnamed is None:
        failed.append(_UNSEEN)
    if failed and stop:
        _end(failed)
    for line in failed:
        pulumi.log.warn(line)
    for node, reason in unfit.items():
        pulumi.log.warn(f"preflight: node {node} is not measured in this rollback: {reason}")
    return FitCluster(
        api_groups=None if groups is None else frozenset(groups),
        unnamed=tuple(unnamed or ()),
        api_servers=tuple(map(endpoint, api_servers)),
        stop=stop,
        excused=frozenset(unfit),
        uids=uids,
    )


def _run_preflight(settings: str) -> dict[str, Any]:
    command = shlex.join(
        [sys.executable, "-m", "operations.preflight", "--json", "--settings", "-"]
    )
    try:
        run = pulumi_command.local.run(
            # local.run takes any code but 0 for a failure of the command itself.
            command=f"{command} || [ $? -le {max(_ANSWERS)} ]",
            stdin=settings,
            logging=pulumi_command.local.Logging.NONE,
        )
    except Exception as error:  # noqa: BLE001 - the SDK raises no other; its traceback helps nobody
        reason = str(error).rpartition(_PROVIDER_SAYS)[2]
        raise pulumi.RunError(f"the preflight did not run: {reason}") from None
    try:
        response: dict[str, Any] = json.loads(run.stdout)
    except ValueError:
        raise _NO_RESULTS from None
    return response


def _end(lines: Sequence[str]) -> NoReturn:
    raise pulumi.RunError("\n".join([*lines, "nothing has been changed"]))


def _is_rollback() -> bool:
    value = os.environ.get(ROLLBACK, "")
    if value not in ("", "1"):
        raise pulumi.RunError(
            f"{ROLLBACK} = {value}: not 1: set it to 1 in a rollback, or unset it"
        )
    return value == "1"


def _line(result: dict[str, Any]) -> str:
    remedy = f": {result['remedy']}" if result["remedy"] else ""
    return f"preflight {result['check']}: {result['where']}: {result['what']}{remedy}"
