"""Secrets and how old they are; never what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from preflight.kubectl import Kubectl, Refused
from report.moment import parsed
from report.state import State
from report.status import Status
from settings import Settings

Document = dict[str, Any]

_EXTERNAL = "/apis/external-secrets.io/v1/externalsecrets"
# The credentials the stack makes itself: none of them expires, so their age is the thing to know.
_MADE = {
    "tailscale:index/oauthClient:OauthClient": "Tailscale OAuth client",
    "tailscale:index/tailnetKey:TailnetKey": "Tailscale auth key",
}


@dataclass(frozen=True, kw_only=True)
class SecretAge:
    """A secret by name, where it comes from, when it was last read or made, and how it stands."""

    name: str
    source: str
    since: datetime | None
    status: Status
    what: str


def asked(kubectl: Kubectl) -> list[Document] | Refused:
    """The ExternalSecrets of all namespaces, which hold no values."""
    answer = kubectl.document(_EXTERNAL)
    return answer if isinstance(answer, Refused) else list(answer["items"])


def ages(settings: Settings, state: State, seen: Sequence[Document] | Refused) -> list[SecretAge]:
    """Synced ones with the time of their last reading, made ones with that of their making."""
    return [*_synced(settings, seen), *_made(state)]


def _synced(settings: Settings, seen: Sequence[Document] | Refused) -> list[SecretAge]:
    syncing = settings.external_secrets
    if syncing is None:
        return []
    found = (
        {}
        if isinstance(seen, Refused)
        else {
            (each["metadata"]["namespace"], each["metadata"]["name"]): each.get("status", {})
            for each in seen
        }
    )
    why = seen.why if isinstance(seen, Refused) else "the cluster has none"
    result = []
    for each in syncing.secrets:
        namespace = syncing.namespace_of(each)
        status = found.get((namespace, each.name))
        how, what = _standing(status, why)
        result.append(
            SecretAge(
                name=f"{namespace}/{each.name}",
                source=f"Pulumi ESC, store {each.store}",
                since=parsed((status or {}).get("refreshTime")),
                status=how,
                what=what,
            )
        )
    return result


def _standing(status: Document | None, why: str) -> tuple[Status, str]:
    if status is None:
        return Status.NOT_SEEN, why
    conditions = status.get("conditions") or []
    ready = next((each for each in conditions if each["type"] == "Ready"), None)
    if ready is None:
        return Status.NOT_SEEN, "the operator has not looked at it yet"
    if ready["status"] == "True":
        return Status.GOOD, "synced"
    # The reason and not the message, which may quote what the store answered.
    return Status.BAD, f"not synced: {ready.get('reason', 'no reason given')}"


def _made(state: State) -> list[SecretAge]:
    return [
        SecretAge(
            name=str(each.outputs.get("description") or each.name),
            source=_MADE[each.type],
            since=each.created,
            status=Status.GOOD,
            what="made by the stack",
        )
        for each in state.of_type(*_MADE)
    ]
