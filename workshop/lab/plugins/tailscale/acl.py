"""`tailscale:index/acl:Acl`: the tailnet's whole policy file."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from lab.plugins.resource_kind import Field, Operation
from lab.plugins.tailscale.bridged import BridgedKind
from lab.plugins.tailscale.client import ApiError, Client
from lab.tailscale_api import hujson
from provider_plugin.errors import ProviderError

_PRECONDITION_FAILED = 412


class Acl(BridgedKind):
    """Made only over an untouched default policy, unless told to overwrite."""

    type_name = "tailscale:index/acl:Acl"
    fields: ClassVar[Mapping[str, Field]] = {
        "acl": Field(kind="string", required=True),
        "overwriteExistingContent": Field(kind="boolean"),
        "resetAclOnDestroy": Field(kind="boolean"),
    }

    def __init__(self, client: Client) -> None:
        self._client = client

    def refuse(self, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The policy must be HuJSON."""
        text = inputs.get("acl")
        if not isinstance(text, str):
            return []
        try:
            hujson.parse(text)
        except hujson.HuJSONError as error:
            return [("acl", f"ACL is not a valid HuJSON string: {error}")]
        return []

    def create(self, inputs: Mapping[str, Any], operation: Operation) -> tuple[str, dict[str, Any]]:
        """POST the policy; 412 where someone has changed it before."""
        del operation
        overwrite = inputs.get("overwriteExistingContent") is True
        try:
            self._client.send_policy(inputs["acl"], "" if overwrite else "ts-default")
        except ApiError as error:
            if error.status != _PRECONDITION_FAILED:
                raise ProviderError(f"Failed to set ACL: {error}") from None
            raise ProviderError(
                "Overwrite Protected: You are trying to overwrite a non-default policy. "
                "Please import the ACL first or set overwrite_existing_content = true."
            ) from None
        return str(uuid.uuid4()), {}

    def read(self, resource_id: str, state: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """GET the policy; every tailnet has one."""
        path = self._client.tailnet("acl")
        try:
            text = self._client.get(*path, accept="application/hujson").text
        except ProviderError as error:
            raise ProviderError(f"Failed to fetch ACL: {error}") from None
        return resource_id, {**state, "acl": text}

    def update(
        self,
        resource_id: str,
        state: Mapping[str, Any],
        inputs: Mapping[str, Any],
        operation: Operation,
    ) -> dict[str, Any]:
        """POST the policy, over whatever is there."""
        del resource_id, state, operation
        self._send("update", inputs["acl"])
        return {}

    def delete(self, resource_id: str, state: Mapping[str, Any], operation: Operation) -> None:
        """Leave the policy, or reset it where `resetAclOnDestroy` says so."""
        del resource_id, operation
        if state.get("resetAclOnDestroy") is True:
            self._send("reset", "")

    def _send(self, verb: str, text: str) -> None:
        try:
            self._client.send_policy(text)
        except ProviderError as error:
            raise ProviderError(f"Failed to {verb} ACL: {error}") from None
