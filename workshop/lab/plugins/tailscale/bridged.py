"""What the real provider's resources have in common: Pulumi's bridge from a Terraform provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.plugins.property_value import Secret
from lab.plugins.resource_kind import ResourceKind

_RAW_STATE_DELTA = "__pulumi_raw_state_delta"


class BridgedKind(ResourceKind):
    """The id is a property, and the state says how it differs from Terraform's."""

    id_is_output = True
    detailed_diff = False

    def marks(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """For the bridge to find Terraform's state again: its sets, and what was null."""
        deltas: dict[str, Any] = {}
        for name in {*self.fields, *self.outputs}:
            value = properties.get(name)
            if value is None:
                deltas[name] = Secret({"replace": {"raw": None}})
            elif isinstance(value, list):
                deltas[name] = {"arr": {}}
        return {_RAW_STATE_DELTA: {"obj": {"ps": deltas} if deltas else {}}}
