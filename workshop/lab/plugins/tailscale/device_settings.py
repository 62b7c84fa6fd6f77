"""The resources that set something on a device which exists already."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from workshop.lab.plugins.resource_kind import Field, Values, equal_as_sets
from workshop.lab.plugins.tailscale.bridged import BridgedKind
from workshop.lab.plugins.tailscale.client import NotFoundError, failing

_DEVICE_ID = Field(kind="string", required=True, replaces=True)


class DeviceSetting(BridgedKind):
    """One setting of a device: POST sets it, and fails for a device that is gone."""

    noun: ClassVar[str]
    endpoint: ClassVar[str]
    property: ClassVar[str]
    absent: ClassVar[Any]
    """The setting where the API names none."""

    def setting(self, device_id: str) -> tuple[str, Any]:
        """The device's id, in the form it was asked for, and the setting as the API has it."""
        device: dict[str, Any] = self._client.get("device", device_id).json()
        canonical = device_id if device["id"] == device_id else device["nodeId"]
        return canonical, device.get(self.property) or self.absent

    def create(self, inputs: Values) -> tuple[str, dict[str, Any]]:
        """Set it; the id is the device's."""
        self._set(inputs["deviceId"], inputs[self.property])
        return inputs["deviceId"], {}

    def read(self, resource_id: str, state: Values) -> tuple[str, dict[str, Any]] | None:
        """None where the device is gone."""
        device = str(state.get("deviceId", resource_id))
        try:
            with failing(self._what("fetch", device)):
                device_id, value = self.setting(device)
        except NotFoundError:
            return None
        return resource_id, {**state, "deviceId": device_id, self.property: value}

    def update(self, resource_id: str, state: Values, inputs: Values) -> dict[str, Any]:
        self._set(inputs["deviceId"], inputs[self.property])
        return {}

    def _set(self, device_id: str, value: Any, verb: str = "update") -> None:  # noqa: ANN401 - JSON
        with failing(self._what(verb, device_id)):
            body = {self.property: value}
            self._client.send("POST", "device", device_id, self.endpoint, body=body)

    def _what(self, verb: str, device_id: str) -> str:
        return (
            f"Failed to {verb} device {self.noun}: "
            f"Failed to {verb} {self.noun} for device with ID {device_id}"
        )


class DeviceSubnetRoutes(DeviceSetting):
    """Approval of routes. The id of this one is random, as with the real provider."""

    type_name = "tailscale:index/deviceSubnetRoutes:DeviceSubnetRoutes"
    fields: ClassVar[Mapping[str, Field]] = {
        "deviceId": _DEVICE_ID,
        "routes": Field(kind="array", required=True, same=equal_as_sets),
    }
    noun = "subnet routes"
    endpoint = property = "routes"

    def create(self, inputs: Values) -> tuple[str, dict[str, Any]]:
        super().create(inputs)
        return str(uuid.uuid4()), {}

    def read(self, resource_id: str, state: Values) -> tuple[str, dict[str, Any]] | None:
        """An import names the device, and gets an id of its own."""
        result = super().read(resource_id, state)
        return result if result is None or state else (str(uuid.uuid4()), result[1])

    def setting(self, device_id: str) -> tuple[str, Any]:
        """Routes have an endpoint of their own."""
        routes = self._client.get("device", device_id, "routes").json()
        return device_id, routes.get("enabledRoutes") or []

    def delete(self, resource_id: str, state: Values) -> None:
        """Disable all routes of the device; fails where it is gone, as with the real provider."""
        self._set(state["deviceId"], [], "delete")


class DeviceTags(DeviceSetting):
    """Whether the device has these tags and no others; all are taken away at the end."""

    type_name = "tailscale:index/deviceTags:DeviceTags"
    fields: ClassVar[Mapping[str, Field]] = {
        "deviceId": _DEVICE_ID,
        "tags": Field(kind="array", required=True, same=equal_as_sets),
    }
    noun = endpoint = property = "tags"
    absent: ClassVar[Any] = []
    changed_by_update = frozenset({"id"})

    def delete(self, resource_id: str, state: Values) -> None:
        self._set(state["deviceId"], [], "delete")


class DeviceKey(DeviceSetting):
    """Whether the device's key expires, which it does again at the end."""

    type_name = "tailscale:index/deviceKey:DeviceKey"
    fields: ClassVar[Mapping[str, Field]] = {
        "deviceId": _DEVICE_ID,
        "keyExpiryDisabled": Field(kind="boolean", default=False),
    }
    noun = endpoint = "key"
    property = "keyExpiryDisabled"
    absent = False
    changed_by_update = frozenset({"id"})

    def delete(self, resource_id: str, state: Values) -> None:
        self._set(state["deviceId"], value=False)


class DeviceAuthorization(DeviceSetting):
    """Whether the device is authorized. The real provider leaves it so at the end."""

    type_name = "tailscale:index/deviceAuthorization:DeviceAuthorization"
    fields: ClassVar[Mapping[str, Field]] = {
        "deviceId": _DEVICE_ID,
        "authorized": Field(kind="boolean", required=True),
    }
    noun = "authorization"
    endpoint = property = "authorized"
    absent = False

    def delete(self, resource_id: str, state: Values) -> None:
        return
