"""The resources that set something on a device which exists already."""

from __future__ import annotations

import uuid
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from lab.plugins.resource_kind import Field, Operation, equal_as_sets
from lab.plugins.tailscale.bridged import BridgedKind
from lab.plugins.tailscale.client import Client, NotFoundError
from provider_plugin.errors import ProviderError

_DEVICE_ID = Field(kind="string", required=True, replaces=True)


class DeviceSetting(BridgedKind):
    """One setting of a device: POST sets it, and fails for a device that is gone."""

    noun: ClassVar[str]
    endpoint: ClassVar[str]
    property: ClassVar[str]
    body_name: ClassVar[str]

    def __init__(self, client: Client) -> None:
        self._client = client

    @abstractmethod
    def found(self, device_id: str) -> tuple[str, Any]:
        """The device's id and the setting as the API has it; raises NotFoundError."""

    def create(self, inputs: Mapping[str, Any], operation: Operation) -> tuple[str, dict[str, Any]]:
        """Set it; the id is the device's."""
        del operation
        self._set(inputs["deviceId"], inputs[self.property])
        return inputs["deviceId"], {}

    def read(self, resource_id: str, state: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """Get it."""
        device = str(state.get("deviceId", resource_id))
        try:
            device_id, value = self.found(device)
        except NotFoundError:
            return None
        except ProviderError as error:
            raise self._failed("fetch", device, error) from None
        return resource_id, {**state, "deviceId": device_id, self.property: value}

    def update(
        self,
        resource_id: str,
        state: Mapping[str, Any],
        inputs: Mapping[str, Any],
        operation: Operation,
    ) -> dict[str, Any]:
        """Set it."""
        del resource_id, state, operation
        self._set(inputs["deviceId"], inputs[self.property])
        return {}

    def device(self, device_id: str) -> tuple[str, dict[str, Any]]:
        """The device, and its id in the form it was asked for."""
        device: dict[str, Any] = self._client.get("device", device_id).json()
        return (device_id if device["id"] == device_id else device["nodeId"]), device

    def _set(self, device_id: str, value: Any, verb: str = "update") -> None:  # noqa: ANN401 - JSON
        try:
            body = {self.body_name: value}
            self._client.send("POST", "device", device_id, self.endpoint, body=body)
        except ProviderError as error:
            raise self._failed(verb, device_id, error) from None

    def _failed(self, verb: str, device_id: str, error: ProviderError) -> ProviderError:
        return ProviderError(
            f"Failed to {verb} device {self.noun}: "
            f"Failed to {verb} {self.noun} for device with ID {device_id}: {error}"
        )


class DeviceSubnetRoutes(DeviceSetting):
    """`tailscale:index/deviceSubnetRoutes:DeviceSubnetRoutes`: approval of routes."""

    type_name = "tailscale:index/deviceSubnetRoutes:DeviceSubnetRoutes"
    fields: ClassVar[Mapping[str, Field]] = {
        "deviceId": _DEVICE_ID,
        "routes": Field(kind="array", required=True, same=equal_as_sets),
    }
    noun = "subnet routes"
    endpoint = property = body_name = "routes"

    def create(self, inputs: Mapping[str, Any], operation: Operation) -> tuple[str, dict[str, Any]]:
        """The id of this one is random, as with the real provider."""
        super().create(inputs, operation)
        return str(uuid.uuid4()), {}

    def read(self, resource_id: str, state: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """An import names the device, and gets an id of its own."""
        result = super().read(resource_id, state)
        return result if result is None or state else (str(uuid.uuid4()), result[1])

    def found(self, device_id: str) -> tuple[str, Any]:
        """Routes have an endpoint of their own."""
        routes = self._client.get("device", device_id, "routes").json()
        return device_id, routes.get("enabledRoutes") or []

    def delete(self, resource_id: str, state: Mapping[str, Any], operation: Operation) -> None:
        """Disable all routes of the device; fails where it is gone, as with the real provider."""
        del resource_id, operation
        self._set(state["deviceId"], [], "delete")


class DeviceTags(DeviceSetting):
    """`tailscale:index/deviceTags:DeviceTags`."""

    type_name = "tailscale:index/deviceTags:DeviceTags"
    fields: ClassVar[Mapping[str, Field]] = {
        "deviceId": _DEVICE_ID,
        "tags": Field(kind="array", required=True, same=equal_as_sets),
    }
    noun = "tags"
    endpoint = property = body_name = "tags"
    changed_by_update = frozenset({"id"})

    def found(self, device_id: str) -> tuple[str, Any]:
        """The device's tags."""
        canonical, device = self.device(device_id)
        return canonical, device.get("tags") or []

    def delete(self, resource_id: str, state: Mapping[str, Any], operation: Operation) -> None:
        """Take all tags away."""
        del resource_id, operation
        self._set(state["deviceId"], [], "delete")


class DeviceKey(DeviceSetting):
    """`tailscale:index/deviceKey:DeviceKey`: whether the device's key expires."""

    type_name = "tailscale:index/deviceKey:DeviceKey"
    fields: ClassVar[Mapping[str, Field]] = {
        "deviceId": _DEVICE_ID,
        "keyExpiryDisabled": Field(kind="boolean", default=False),
    }
    noun = endpoint = "key"
    property = body_name = "keyExpiryDisabled"
    changed_by_update = frozenset({"id"})

    def found(self, device_id: str) -> tuple[str, Any]:
        """The device's setting."""
        canonical, device = self.device(device_id)
        return canonical, bool(device.get("keyExpiryDisabled"))

    def delete(self, resource_id: str, state: Mapping[str, Any], operation: Operation) -> None:
        """Let the key expire again."""
        del resource_id, operation
        self._set(state["deviceId"], value=False)


class DeviceAuthorization(DeviceSetting):
    """`tailscale:index/deviceAuthorization:DeviceAuthorization`."""

    type_name = "tailscale:index/deviceAuthorization:DeviceAuthorization"
    fields: ClassVar[Mapping[str, Field]] = {
        "deviceId": _DEVICE_ID,
        "authorized": Field(kind="boolean", required=True),
    }
    noun = "authorization"
    endpoint = property = body_name = "authorized"

    def found(self, device_id: str) -> tuple[str, Any]:
        """Whether the device is authorized."""
        canonical, device = self.device(device_id)
        return canonical, bool(device.get("authorized"))

    def delete(self, resource_id: str, state: Mapping[str, Any], operation: Operation) -> None:
        """Nothing: the real provider leaves the device authorized."""
