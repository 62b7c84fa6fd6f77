"""`tailscale:index/acl:Acl`: the tailnet's whole policy file."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from lab.plugins.resource_kind import Field, Operation, ResourceKind
from lab.plugins.tailscale.client import ApiError, Client
from lab.tailscale_api import hujson
from provider_plugin.errors import ProviderError

_PRECONDITION_FAILED = 412


def same_policy(old: Any, new: Any) -> bool:  # noqa: ANN401 - any property value
    """Equality but for white space; comments count."""
    if not isinstance(old, str) or not isinstance(new, str):
        return bool(old == new)
    try:
        return hujson.same_apart_from_spacing(old, new)
    except hujson.HuJSONError:
        return old == new


class Acl(ResourceKind):
    """Made only over an untouched default policy, unless told to overwrite."""

    type_name = "tailscale:index/acl:Acl"
    fields: ClassVar[Mapping[str, Field]] = {
        "acl": Field(kind="string", required=True, same=same_policy),
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
                "You are trying to overwrite a non-default policy. "
                "Please import the ACL first or set overwriteExistingContent = true."
            ) from None
        return str(uuid.uuid4()), {}

    def read(self, resource_id: str, state: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """GET the policy; every tailnet has one."""
        path = self._client.tailnet("acl")
        text = self._client.get(*path, accept="application/hujson").text
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
        self._client.send_policy(inputs["acl"])
        return {}

    def delete(self, resource_id: str, state: Mapping[str, Any], operation: Operation) -> None:
        """Leave the policy, or reset it where `resetAclOnDestroy` says so."""
        del resource_id, operation
        if state.get("resetAclOnDestroy") is True:
            self._client.send_policy("")
