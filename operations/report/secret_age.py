"""Secrets and how old they are; never what they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from components.egress.gate_message import SIMULATED
from components.secrets.synced import namespace_of
from operations.errors import RequestError
from operations.kubernetes.client import Document, KubernetesClient
from operations.kubernetes.objects import condition, name_of, status_of
from operations.report.moment import parsed
from operations.report.state import State
from operations.report.status import Status
from settings import Settings

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


def listed_by(client: KubernetesClient) -> list[Document] | RequestError:
    """The ExternalSecrets of all namespaces, which hold no values."""
    try:
        return client.list_objects(_EXTERNAL)
    except RequestError as error:
        return error


def ages(
    settings: Settings, state: State, objects: Sequence[Document] | RequestError
) -> list[SecretAge]:
    """Synced ones with the time of their last reading, made ones with that of their making."""
    return [*_synced(settings, objects), *_made(state)]


def _synced(settings: Settings, objects: Sequence[Document] | RequestError) -> list[SecretAge]:
    syncing = settings.external_secrets
    if syncing is None:
        return []
    unavailable = isinstance(objects, RequestError)
    why = str(objects) if unavailable else "the cluster has none"
    present = {
        (external_secret["metadata"]["namespace"], name_of(external_secret)): external_secret
        for external_secret in (() if isinstance(objects, RequestError) else objects)
    }
    ages = []
    for secret in syncing.secrets:
        namespace = namespace_of(secret, syncing.stores)
        external_secret = present.get((namespace, secret.name), {})
        status, what = _standing(external_secret) if external_secret else (Status.UNKNOWN, why)
        ages.append(
            SecretAge(
                name=f"{namespace}/{secret.name}",
                source=f"Pulumi ESC, store {secret.store}",
                since=parsed(status_of(external_secret).get("refreshTime")),
                status=status,
                what=what,
            )
        )
    return ages


def _standing(external_secret: Document) -> tuple[Status, str]:
    ready = condition(external_secret, "Ready")
    if not ready:
        return Status.UNKNOWN, "the operator has not looked at it yet"
    if ready["status"] == "True":
        # The lab's stand-in for the operator, on nodes that run no program, says that it is one.
        is_simulated = str(ready.get("message")).startswith(SIMULATED)
        return Status.GOOD, "simulated: nothing was read" if is_simulated else "synced"
    # The reason and not the message, which may quote the store's response.
    return Status.BAD, f"not synced: {ready.get('reason', 'no reason given')}"


def _made(state: State) -> list[SecretAge]:
    return [
        SecretAge(
            name=str(resource.outputs.get("description") or resource.name),
            source=_MADE[resource.type],
            since=resource.created,
            status=Status.GOOD,
            what="made by the stack",
        )
        for resource in state.of_type(*_MADE)
    ]
