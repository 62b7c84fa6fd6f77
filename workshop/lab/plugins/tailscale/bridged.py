"""What the real provider's resources have in common: Pulumi's bridge from a Terraform provider."""

from typing import Any

from providers.plugin.property_value import Secret
from workshop.lab.plugins.resource_kind import ResourceKind, Values
from workshop.lab.plugins.tailscale.client import Client

_RAW_STATE_DELTA = "__pulumi_raw_state_delta"


class BridgedKind(ResourceKind):
    """The id is a property, and the state says how it differs from Terraform's."""

    id_is_output = True
    detailed_diff = False

    def __init__(self, client: Client) -> None:
        self._client = client

    def marks(self, properties: Values) -> dict[str, Any]:
        """For the bridge to find Terraform's state again: its sets, and what was null."""
        deltas: dict[str, Any] = {}
        for name in {*self.fields, *self.outputs}:
            value = properties.get(name)
            if value is None:
                deltas[name] = Secret({"replace": {"raw": None}})
            elif isinstance(value, list):
                deltas[name] = {"arr": {}}
        return {_RAW_STATE_DELTA: {"obj": {"ps": deltas} if deltas else {}}}
