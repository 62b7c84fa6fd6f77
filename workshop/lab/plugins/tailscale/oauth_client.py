"""`tailscale:index/oauthClient:OauthClient`: a client whose secret registers devices."""

from collections.abc import Mapping
from typing import Any, ClassVar

from workshop.lab.plugins.resource_kind import Field, Values, equal_as_sets
from workshop.lab.plugins.tailscale.bridged import BridgedKind
from workshop.lab.plugins.tailscale.client import NotFoundError, failing
from workshop.lab.plugins.tailscale.tailnet_key import refuse_description


class OauthClient(BridgedKind):
    """Everything changes in place; the secret is shown once."""

    type_name = "tailscale:index/oauthClient:OauthClient"
    fields: ClassVar[Mapping[str, Field]] = {
        "description": Field(kind="string", default=""),
        "scopes": Field(kind="array", required=True, same=equal_as_sets),
        "tags": Field(kind="array", default=[], same=equal_as_sets),
    }
    outputs = ("createdAt", "key", "updatedAt", "userId")
    secret_outputs = frozenset({"key"})
    changed_by_update = frozenset({"updatedAt"})

    def refuse(self, inputs: Values) -> list[tuple[str, str]]:
        return refuse_description(inputs)

    def create(self, inputs: Values) -> tuple[str, dict[str, Any]]:
        with failing("Failed to create oauth client"):
            key = self._client.create_key(_body(inputs))
        return key["id"], _computed(key) | {"key": key["key"]}

    def read(self, resource_id: str, state: Values) -> tuple[str, dict[str, Any]] | None:
        try:
            with failing("Failed to fetch oauth client"):
                key = self._client.key(resource_id)
        except NotFoundError:
            return None
        inputs = {
            "description": key.get("description", ""),
            "scopes": key.get("scopes") or [],
            "tags": key.get("tags") or [],
        }
        return resource_id, {**state, **inputs, **_computed(key)}

    def update(self, resource_id: str, state: Values, inputs: Values) -> dict[str, Any]:
        path = self._client.tailnet("keys", resource_id)
        with failing("Failed to update oauth client"):
            key = self._client.send("PUT", *path, body=_body(inputs)).json()
        return {"updatedAt": _computed(key)["updatedAt"]}

    def delete(self, resource_id: str, state: Values) -> None:
        """Revoke the client; devices it registered stay."""
        with failing("Failed to delete oauth client"):
            self._client.delete_key(resource_id)


def _body(inputs: Values) -> dict[str, Any]:
    return {"keyType": "client", **{n: inputs[n] for n in ("scopes", "tags", "description")}}


def _computed(key: Values) -> dict[str, Any]:
    return {
        "createdAt": key["created"],
        "updatedAt": key.get("updated", key["created"]),
        "userId": key.get("userId", ""),
    }
