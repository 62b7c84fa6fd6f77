"""`tailscale:index/acl:Acl`: the tailnet's whole policy file."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from providers.plugin.errors import ProviderError
from workshop.lab.plugins.resource_kind import Field, Values
from workshop.lab.plugins.tailscale.bridged import BridgedKind
from workshop.lab.plugins.tailscale.client import ApiError, failing
from workshop.lab.tailscale_api import hujson

_PRECONDITION_FAILED = 412


class Acl(BridgedKind):
    """Made only over an untouched default policy, unless told to overwrite."""

    type_name = "tailscale:index/acl:Acl"
    fields: ClassVar[Mapping[str, Field]] = {
        "acl": Field(kind="string", required=True),
        "overwriteExistingContent": Field(kind="boolean"),
        "resetAclOnDestroy": Field(kind="boolean"),
    }

    def refuse(self, inputs: Values) -> list[tuple[str, str]]:
        text = inputs.get("acl")
        if not isinstance(text, str):
            return []
        try:
            hujson.parse(text)
        except hujson.HuJSONError as error:
            return [("acl", f"ACL is not a valid HuJSON string: {error}")]
        return []

    def create(self, inputs: Values) -> tuple[str, dict[str, Any]]:
        """POST the policy; 412 where someone has changed it before."""
        overwrite = inputs.get("overwriteExistingContent") is True
        try:
            with failing("Failed to set ACL"):
                self._client.send_policy(inputs["acl"], "" if overwrite else "ts-default")
        except ApiError as error:
            if error.status != _PRECONDITION_FAILED:
                raise
            raise ProviderError(
                "Overwrite Protected: You are trying to overwrite a non-default policy. "
                "Please import the ACL first or set overwrite_existing_content = true."
            ) from None
        return str(uuid.uuid4()), {}

    def read(self, resource_id: str, state: Values) -> tuple[str, dict[str, Any]]:
        """Every tailnet has a policy."""
        return resource_id, {**state, "acl": self._client.policy()}

    def update(self, resource_id: str, state: Values, inputs: Values) -> dict[str, Any]:
        """POST the policy, over whatever is there."""
        with failing("Failed to update ACL"):
            self._client.send_policy(inputs["acl"])
        return {}

    def delete(self, resource_id: str, state: Values) -> None:
        """Leave the policy, or reset it where `resetAclOnDestroy` says so."""
        if state.get("resetAclOnDestroy") is True:
            with failing("Failed to reset ACL"):
                self._client.send_policy("")
