"""`tailscale:index/tailnetKey:TailnetKey`: an auth key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lab.plugins.property_value import UNKNOWN
from lab.plugins.resource_kind import Field, Operation, equal_as_sets
from lab.plugins.tailscale.bridged import BridgedKind
from lab.plugins.tailscale.client import Client, NotFoundError
from provider_plugin.errors import ProviderError

LONGEST_DESCRIPTION = 50


class TailnetKey(BridgedKind):
    """Every change makes a new key, but for `recreateIfInvalid`."""

    type_name = "tailscale:index/tailnetKey:TailnetKey"
    fields: ClassVar[Mapping[str, Field]] = {
        "description": Field(kind="string", default="", replaces=True),
        "ephemeral": Field(kind="boolean", default=False, replaces=True),
        "expiry": Field(kind="integer", replaces=True, computed=True),
        "preauthorized": Field(kind="boolean", default=False, replaces=True),
        "recreateIfInvalid": Field(kind="string"),
        "reusable": Field(kind="boolean", default=False, replaces=True),
        "tags": Field(kind="array", default=[], replaces=True, same=equal_as_sets),
        "userId": Field(kind="string", computed=True),
    }
    outputs: ClassVar[Mapping[str, str]] = {
        "createdAt": "string",
        "expiresAt": "string",
        "invalid": "boolean",
        "key": "string",
    }
    secret_outputs = frozenset({"key"})

    def __init__(self, client: Client) -> None:
        self._client = client

    def refuse(self, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The real provider's rules."""
        found = refuse_description(inputs)
        recreate = inputs.get("recreateIfInvalid")
        if recreate not in (None, UNKNOWN, "", "always", "never"):
            found.append(("recreateIfInvalid", "must be one of '', 'always', 'never'"))
        return found

    def must_replace(self, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> str | None:
        """An invalid key is made anew if it was reusable, or as `recreateIfInvalid` says."""
        wish = inputs.get("recreateIfInvalid")
        wanted = wish == "always" or (wish != "never" and inputs.get("reusable", False) is True)
        return "id" if state.get("invalid") and wanted else None

    def create(self, inputs: Mapping[str, Any], operation: Operation) -> tuple[str, dict[str, Any]]:
        """POST the key; its secret is shown this once."""
        del operation
        create = {
            "reusable": inputs["reusable"],
            "ephemeral": inputs["ephemeral"],
            "tags": inputs["tags"],
            "preauthorized": inputs["preauthorized"],
        }
        body = {
            "capabilities": {"devices": {"create": create}},
            "expirySeconds": inputs.get("expiry") or 0,
            "description": inputs["description"],
        }
        try:
            path = self._client.tailnet("keys")
            key = self._client.send("POST", *path, body=body).json()
        except ProviderError as error:
            raise ProviderError(
                f"Failed to create key: Error creating tailnet key: {error}"
            ) from None
        return key["id"], _computed(key) | {"key": key["key"]}

    def read(self, resource_id: str, state: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """As the real provider: a key that is gone stays, marked invalid, for the next update."""
        try:
            key = self._get(resource_id)
        except NotFoundError:
            return (resource_id, {**state, "invalid": True}) if state else None
        create = key["capabilities"]["devices"]["create"]
        found = {
            "reusable": create["reusable"],
            "ephemeral": create["ephemeral"],
            "preauthorized": create["preauthorized"],
            "tags": create.get("tags") or [],
            "description": key.get("description", ""),
        }
        return resource_id, {**state, **found, **_computed(key)}

    def update(
        self,
        resource_id: str,
        state: Mapping[str, Any],
        inputs: Mapping[str, Any],
        operation: Operation,
    ) -> dict[str, Any]:
        """Only `recreateIfInvalid` can change in place, and the API knows nothing of it."""
        del state, inputs, operation
        try:
            return _computed(self._get(resource_id))
        except NotFoundError:
            return {"invalid": True}

    def delete(self, resource_id: str, state: Mapping[str, Any], operation: Operation) -> None:
        """Revoke the key; a single-use key may be gone already."""
        del state, operation
        try:
            self._client.delete(*self._client.tailnet("keys", resource_id))
        except NotFoundError:
            return
        except ProviderError as error:
            raise _failed("delete", "deleting", resource_id, error) from None

    def _get(self, key_id: str) -> dict[str, Any]:
        try:
            key: dict[str, Any] = self._client.get(*self._client.tailnet("keys", key_id)).json()
        except NotFoundError:
            raise
        except ProviderError as error:
            raise _failed("fetch", "reading", key_id, error) from None
        if key.get("keyType") != "auth":
            raise ProviderError(
                f"Invalid key type '{key.get('keyType', '')}': "
                "Only 'auth' keys are supported by this resource"
            )
        return key


def _failed(verb: str, doing: str, key_id: str, error: ProviderError) -> ProviderError:
    place = f'tailnet key with id "\\"{key_id}\\""'
    return ProviderError(f"Failed to {verb} key: Error {doing} {place}: {error}")


def refuse_description(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """At most 50 characters, as the API has it."""
    text = inputs.get("description")
    if isinstance(text, str) and len(text) > LONGEST_DESCRIPTION:
        return [
            ("description", f"at most {LONGEST_DESCRIPTION} characters, and this has {len(text)}")
        ]
    return []


def _computed(key: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "createdAt": key["created"],
        "expiresAt": key["expires"],
        "expiry": key.get("expirySeconds"),
        "invalid": bool(key.get("invalid")),
        "userId": key.get("userId", ""),
    }
