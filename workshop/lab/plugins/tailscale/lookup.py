"""The functions: getDevice, getDevices."""

import threading
import time
import uuid
from typing import Any

from components.values.duration import seconds
from providers.plugin.errors import ProviderError
from workshop.lab.plugins.provider import BadArgumentsError
from workshop.lab.plugins.tailscale.client import Client, failing

_SECONDS_BETWEEN_LOOKS = 1.0  # As the real provider's.
_DEVICE_PROPERTIES: tuple[tuple[str, Any], ...] = (
    ("addresses", []),
    ("authorized", False),
    ("blocksIncomingConnections", False),
    ("clientVersion", ""),
    ("created", ""),
    ("expires", ""),
    ("hostname", ""),
    ("id", ""),
    ("isExternal", False),
    ("keyExpiryDisabled", False),
    ("lastSeen", ""),
    ("machineKey", ""),
    ("name", ""),
    ("nodeId", ""),
    ("nodeKey", ""),
    ("os", ""),
    ("tags", []),
    ("tailnetLockError", ""),
    ("tailnetLockKey", ""),
    ("updateAvailable", False),
    ("user", ""),
)


class Lookup:
    """Reads only; `cancelled` ends a wait."""

    def __init__(self, client: Client, cancelled: threading.Event) -> None:
        self._client = client
        self._cancelled = cancelled

    def get_device(self, args: dict[str, Any]) -> dict[str, Any]:
        """The first device with this `hostname` or `name`, waiting up to `waitFor` for it."""
        given = [name for name in ("name", "hostname") if args.get(name)]
        if len(given) != 1:
            raise BadArgumentsError(
                [("name", "one (and only one) of name and hostname is required")]
            )
        attribute, wanted = given[0], str(args[given[0]])
        wait_for = args.get("waitFor")
        with failing("Failed to fetch devices"):
            if wait_for is None:
                return self._first(attribute, wanted)
            device = self._await(attribute, wanted, str(wait_for))
        return device | {"waitFor": wait_for}

    def _await(self, attribute: str, wanted: str, wait_for: str) -> dict[str, Any]:
        """Look at once, then every second; the end comes between two looks."""
        patience = _wait_seconds(wait_for)
        begun, looks = time.monotonic(), 0
        while True:
            try:
                return self._first(attribute, wanted)
            except ProviderError as error:
                last = error
            looks += 1
            due = begun + min(looks * _SECONDS_BETWEEN_LOOKS, patience)
            if self._cancelled.wait(max(0.0, due - time.monotonic())):
                raise ProviderError("cancelled while waiting")
            if time.monotonic() >= begun + patience:
                raise ProviderError(f"failed after maximum of retries within {wait_for}: {last}")

    def get_devices(self, args: dict[str, Any]) -> dict[str, Any]:
        """All devices that match every filter, and whose name begins with `namePrefix`."""
        filters = args.get("filters") or []
        query = [(f["name"], value) for f in filters for value in f["values"]]
        prefix = args.get("namePrefix") or ""
        with failing("Failed to fetch devices"):
            listed = self._list(query)
        devices = [device for device in listed if device["name"].startswith(prefix)]
        given = {name: args[name] for name in ("namePrefix",) if args.get(name) is not None}
        return given | {
            "id": str(uuid.uuid4()),
            "devices": [_describe(device) for device in devices],
            "filters": filters,
        }

    def _first(self, attribute: str, wanted: str) -> dict[str, Any]:
        devices = self._list([(attribute, wanted)])
        if not devices:
            raise ProviderError(f'could not find device with {attribute}="{wanted}"')
        return _describe(devices[0])

    def _list(self, query: list[tuple[str, str]]) -> list[dict[str, Any]]:
        response = self._client.get(*self._client.tailnet("devices"), query=query)
        devices: list[dict[str, Any]] = response.json()["devices"]
        return devices


def _wait_seconds(text: str) -> float:
    """Seconds of a Go duration such as `1m30s`; raises BadArgumentsError."""
    wait = seconds(text)
    if wait is None:
        reason = f"unable to parse value as a duration, got: {text[:40]}"
        raise BadArgumentsError([("waitFor", reason)])
    if wait <= 1:
        raise BadArgumentsError(
            [("waitFor", f"duration must be greater than 1 second, got: {text}")]
        )
    return float(wait)


def _describe(device: dict[str, Any]) -> dict[str, Any]:
    return {name: device.get(name) or absent for name, absent in _DEVICE_PROPERTIES}
