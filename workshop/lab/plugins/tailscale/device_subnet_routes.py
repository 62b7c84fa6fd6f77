"""`tailscale:index/deviceSubnetRoutes:DeviceSubnetRoutes`: approval of a device's routes."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from workshop.lab.plugins.resource_kind import Field, Values, equal_as_sets
from workshop.lab.plugins.tailscale.bridged import BridgedKind
from workshop.lab.plugins.tailscale.client import NotFoundError, failing


class DeviceSubnetRoutes(BridgedKind):
    """POST sets the routes, and fails for a device that is gone. The id is random."""

    type_name = "tailscale:index/deviceSubnetRoutes:DeviceSubnetRoutes"
    fields: ClassVar[Mapping[str, Field]] = {
        "deviceId": Field(kind="string", required=True, replaces=True),
        "routes": Field(kind="array", required=True, same=equal_as_sets),
    }

    def create(self, inputs: Values) -> tuple[str, dict[str, Any]]:
        """Set them."""
        self._set(inputs["deviceId"], inputs["routes"])
        return str(uuid.uuid4()), {}

    def read(self, resource_id: str, state: Values) -> tuple[str, dict[str, Any]] | None:
        """None where the device is gone. An import names the device, and gets an id of its own."""
        device = str(state.get("deviceId", resource_id))
        try:
            with failing(_what("fetch", device)):
                routes = self._client.get("device", device, "routes").json()
        except NotFoundError:
            return None
        enabled = routes.get("enabledRoutes") or []
        own_id = resource_id if state else str(uuid.uuid4())
        return own_id, {**state, "deviceId": device, "routes": enabled}

    def update(self, resource_id: str, state: Values, inputs: Values) -> dict[str, Any]:
        self._set(inputs["deviceId"], inputs["routes"])
        return {}

    def delete(self, resource_id: str, state: Values) -> None:
        """Disable all routes of the device; fails where it is gone, as with the real provider."""
        self._set(state["deviceId"], [], "delete")

    def _set(self, device: str, routes: list[str], verb: str = "update") -> None:
        with failing(_what(verb, device)):
            self._client.send("POST", "device", device, "routes", body={"routes": routes})


def _what(verb: str, device: str) -> str:
    return (
        f"Failed to {verb} device subnet routes: "
        f"Failed to {verb} subnet routes for device with ID {device}"
    )
