"""`tailscale:index/tailnetKey:TailnetKey`: an auth key."""

from collections.abc import Mapping
from typing import Any, ClassVar

from providers.plugin.errors import ProviderError
from providers.plugin.property_value import UNKNOWN
from workshop.lab.plugins.resource_kind import Field, Values, equal_as_sets
from workshop.lab.plugins.tailscale.bridged import BridgedKind
from workshop.lab.plugins.tailscale.client import NotFoundError, failing

LONGEST_DESCRIPTION = 50
_CAPABILITIES = ("reusable", "ephemeral", "tags", "preauthorized")


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
    outputs = ("createdAt", "expiresAt", "invalid", "key")
    secret_outputs = frozenset({"key"})

    def refuse(self, inputs: Values) -> list[tuple[str, str]]:
        problems = refuse_description(inputs)
        recreate = inputs.get("recreateIfInvalid")
        if recreate not in (None, UNKNOWN, "", "always", "never"):
            problems.append(("recreateIfInvalid", "must be one of '', 'always', 'never'"))
        return problems

    def must_replace(self, state: Values, inputs: Values) -> str | None:
        """An invalid key is made again if it was reusable, or as `recreateIfInvalid` says."""
        wish = inputs.get("recreateIfInvalid")
        wanted = wish == "always" or (wish != "never" and inputs.get("reusable", False) is True)
        return "id" if state.get("invalid") and wanted else None

    def create(self, inputs: Values) -> tuple[str, dict[str, Any]]:
        """POST the key; its secret is shown this once."""
        body = {
            "capabilities": {"devices": {"create": {n: inputs[n] for n in _CAPABILITIES}}},
            "expirySeconds": inputs.get("expiry") or 0,
            "description": inputs["description"],
        }
        with failing("Failed to create key: Error creating tailnet key"):
            key = self._client.create_key(body)
        return key["id"], _computed(key) | {"key": key["key"]}

    def read(self, resource_id: str, state: Values) -> tuple[str, dict[str, Any]] | None:
        """As the real provider: a key that is gone stays, marked invalid, for the next update."""
        try:
            key = self._get(resource_id)
        except NotFoundError:
            return (resource_id, {**state, "invalid": True}) if state else None
        create = key["capabilities"]["devices"]["create"]
        inputs = {name: create.get(name) or self.fields[name].default for name in _CAPABILITIES}
        inputs["description"] = key.get("description", "")
        return resource_id, {**state, **inputs, **_computed(key)}

    def update(self, resource_id: str, state: Values, inputs: Values) -> dict[str, Any]:
        """Only `recreateIfInvalid` can change in place, and the API knows nothing of it."""
        try:
            return _computed(self._get(resource_id))
        except NotFoundError:
            return {"invalid": True}

    def delete(self, resource_id: str, state: Values) -> None:
        """Revoke the key; a single-use key may be gone already."""
        with failing(f"Failed to delete key: Error deleting {_named(resource_id)}"):
            self._client.delete_key(resource_id)

    def _get(self, key_id: str) -> dict[str, Any]:
        with failing(f"Failed to fetch key: Error reading {_named(key_id)}"):
            key = self._client.key(key_id)
        if key.get("keyType") != "auth":
            raise ProviderError(
                f"Invalid key type '{key.get('keyType', '')}': "
                "Only 'auth' keys are supported by this resource"
            )
        return key


def _named(key_id: str) -> str:
    return f'tailnet key with id "\\"{key_id}\\""'


def refuse_description(inputs: Values) -> list[tuple[str, str]]:
    """At most 50 characters, as the API has it."""
    text = inputs.get("description")
    if isinstance(text, str) and len(text) > LONGEST_DESCRIPTION:
        return [
            ("description", f"at most {LONGEST_DESCRIPTION} characters, and this has {len(text)}")
        ]
    return []


def _computed(key: Values) -> dict[str, Any]:
    return {
        "createdAt": key["created"],
        "expiresAt": key["expires"],
        "expiry": key.get("expirySeconds"),
        "invalid": bool(key.get("invalid")),
        "userId": key.get("userId", ""),
    }
