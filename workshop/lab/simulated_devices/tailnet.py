"""The control plane's side: devices log in, go offline and leave."""

from typing import Any

import httpx

from workshop.lab.simulated_devices.containerboot import Login
from workshop.lab.simulated_devices.pod import PodError

SOURCE = "simulated-devices"
_TIMEOUT_SECONDS = 10.0
_NOT_FOUND, _ERRORS_FROM, _OUR_FAULT_BELOW = 404, 400, 500


class Tailnet:
    """The lab endpoints of the API stand-in. Methods raise httpx.HTTPError if it is not there."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS, trust_env=False)

    def devices(self) -> list[dict[str, Any]]:
        """The devices that came from here, with their `note`."""
        response = self._client.get("/lab/devices")
        response.raise_for_status()
        return [d for d in response.json()["devices"] if d["note"].get("source") == SOURCE]

    def log_in(self, login: Login, identity: str) -> dict[str, Any]:
        """The device; raises PodError where the control plane refuses it."""
        secret = login.state_secret
        body = {
            "identity": identity,
            "authKey": login.auth_key,
            "hostname": login.hostname,
            "tags": list(login.tags),
            "routes": list(login.routes),
            "note": {
                "source": SOURCE,
                "key": login.key,
                "stateSecret": f"{login.pod.namespace}/{secret}" if secret else "",
            },
        }
        response = self._client.post("/lab/devices", json=body)
        if _ERRORS_FROM <= response.status_code < _OUR_FAULT_BELOW:
            raise PodError(f"the control plane refuses the device: {response.json()['message']}")
        response.raise_for_status()
        device: dict[str, Any] = response.json()
        return device

    def set_offline(self, node_id: str) -> None:
        """The device's process has ended."""
        self._settled(self._client.post(f"/lab/devices/{node_id}/online", json={"online": False}))

    def remove(self, node_id: str) -> None:
        """The device is in the tailnet no more."""
        self._settled(self._client.delete(f"/lab/devices/{node_id}"))

    def _settled(self, response: httpx.Response) -> None:
        # Somebody else may have removed it meanwhile.
        if response.status_code != _NOT_FOUND:
            response.raise_for_status()
