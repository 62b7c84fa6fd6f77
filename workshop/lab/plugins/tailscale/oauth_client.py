"""`tailscale:index/oauthClient:OauthClient`: a client whose secret registers devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lab.plugins.resource_kind import Field, Operation, equal_as_sets
from lab.plugins.tailscale.bridged import BridgedKind
from lab.plugins.tailscale.client import Client, NotFoundError
from lab.plugins.tailscale.tailnet_key import refuse_description
from provider_plugin.errors import ProviderError


class OauthClient(BridgedKind):
    """Everything changes in place; the secret is shown once."""

    type_name = "tailscale:index/oauthClient:OauthClient"
    fields: ClassVar[Mapping[str, Field]] = {
        "description": Field(kind="string", default=""),
        "scopes": Field(kind="array", required=True, same=equal_as_sets),
        "tags": Field(kind="array", default=[], same=equal_as_sets),
    }
    outputs: ClassVar[Mapping[str, str]] = {
        "createdAt": "string",
        "key": "string",
        "updatedAt": "string",
        "userId": "string",
    }
    secret_outputs = frozenset({"key"})
    changed_by_update = frozenset({"updatedAt"})

    def __init__(self, client: Client) -> None:
        self._client = client

    def refuse(self, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The real provider's rule."""
        return refuse_description(inputs)

    def create(self, inputs: Mapping[str, Any], operation: Operation) -> tuple[str, dict[str, Any]]:
        """POST the client."""
        del operation
        try:
            path = self._client.tailnet("keys")
            key = self._client.send("POST", *path, body=_body(inputs)).json()
        except ProviderError as error:
            raise ProviderError(f"Failed to create oauth client: {error}") from None
        return key["id"], _computed(key) | {"key": key["key"]}

    def read(self, resource_id: str, state: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """GET the client."""
        try:
            key = self._client.get(*self._client.tailnet("keys", resource_id)).json()
        except NotFoundError:
            return None
        except ProviderError as error:
            raise ProviderError(f"Failed to fetch oauth client: {error}") from None
        found = {
            "description": key.get("description", ""),
            "scopes": key.get("scopes") or [],
            "tags": key.get("tags") or [],
        }
        return resource_id, {**state, **found, **_computed(key)}

    def update(
        self,
        resource_id: str,
        state: Mapping[str, Any],
        inputs: Mapping[str, Any],
        operation: Operation,
    ) -> dict[str, Any]:
        """PUT the client as a whole."""
        del state, operation
        path = self._client.tailnet("keys", resource_id)
        try:
            key = self._client.send("PUT", *path, body=_body(inputs)).json()
        except ProviderError as error:
            raise ProviderError(f"Failed to update oauth client: {error}") from None
        return {"updatedAt": _computed(key)["updatedAt"]}

    def delete(self, resource_id: str, state: Mapping[str, Any], operation: Operation) -> None:
        """Revoke the client; devices it registered stay."""
        del state, operation
        try:
            self._client.delete(*self._client.tailnet("keys", resource_id))
        except NotFoundError:
            return
        except ProviderError as error:
            raise ProviderError(f"Failed to delete oauth client: {error}") from None


def _body(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "keyType": "client",
        "scopes": inputs["scopes"],
        "tags": inputs["tags"],
        "description": inputs["description"],
    }


def _computed(key: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "createdAt": key["created"],
        "updatedAt": key.get("updated", key["created"]),
        "userId": key.get("userId", ""),
    }
