"""The functions: getDevice, getDevices, getAcl."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from typing import Any

from lab.plugins.resource_kind import Operation
from lab.plugins.tailscale.client import Client
from lab.tailscale_api import hujson
from provider_plugin.errors import ProviderError

_SECONDS_BETWEEN_LOOKS = 1.0  # As the real provider's.
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
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

    def get_device(self, args: dict[str, Any], operation: Operation) -> dict[str, Any]:
        """The first device with this `hostname` or `name`, waiting up to `waitFor` for it."""
        del operation
        given = [name for name in ("name", "hostname") if args.get(name)]
        if len(given) != 1:
            raise ProviderError("getDevice: give exactly one of 'name' and 'hostname'")
        attribute, wanted = given[0], str(args[given[0]])
        wait_for = args.get("waitFor")
        seconds = 0.0 if wait_for is None else parse_duration(str(wait_for))
        if wait_for is not None and seconds <= 1:
            raise ProviderError(f"getDevice: waitFor {wait_for!r} must be greater than 1 second")
        ends = time.monotonic() + seconds
        while True:
            try:
                return self._first(attribute, wanted) | {"waitFor": wait_for}
            except ProviderError as error:
                if time.monotonic() >= ends:
                    waited = f"failed after {wait_for}: " if wait_for else ""
                    raise ProviderError(f"getDevice: {waited}{error}") from None
            if self._cancelled.wait(_SECONDS_BETWEEN_LOOKS):
                raise ProviderError("getDevice: cancelled while waiting")

    def get_devices(self, args: dict[str, Any], operation: Operation) -> dict[str, Any]:
        """All devices that match every filter, and whose name begins with `namePrefix`."""
        del operation
        filters = args.get("filters") or []
        query = [(f["name"], value) for f in filters for value in f["values"]]
        prefix = args.get("namePrefix") or ""
        devices = [d for d in self._list(query) if d["name"].startswith(prefix)]
        return {
            "id": str(uuid.uuid4()),
            "devices": [_describe(device) for device in devices],
            "filters": args.get("filters"),
            "namePrefix": args.get("namePrefix"),
        }

    def get_acl(self, args: dict[str, Any], operation: Operation) -> dict[str, Any]:
        """The policy file, as it is and as JSON."""
        del args, operation
        path = self._client.tailnet("acl")
        text = self._client.get(*path, accept="application/hujson").text
        try:
            minimal = json.dumps(hujson.parse(text), separators=(",", ":"), ensure_ascii=False)
        except hujson.HuJSONError as error:
            raise ProviderError(f"getAcl: the policy file is no HuJSON: {error}") from None
        return {"id": str(uuid.uuid4()), "hujson": text, "json": minimal}

    def _first(self, attribute: str, wanted: str) -> dict[str, Any]:
        found = self._list([(attribute, wanted)])
        if not found:
            raise ProviderError(f'could not find device with {attribute}="{wanted}"')
        return _describe(found[0])

    def _list(self, query: list[tuple[str, str]]) -> list[dict[str, Any]]:
        response = self._client.get(*self._client.tailnet("devices"), query=query)
        devices: list[dict[str, Any]] = response.json()["devices"]
        return devices


def parse_duration(text: str) -> float:
    """Seconds of a Go duration such as `1m30s`; raises ProviderError."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ProviderError(f"unable to parse {text[:40]!r} as a duration such as '90s' or '5m'")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _describe(device: dict[str, Any]) -> dict[str, Any]:
    return {name: device.get(name) or absent for name, absent in _DEVICE_PROPERTIES}
