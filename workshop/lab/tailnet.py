"""The lab's tailnet, by the API that the stack uses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from workshop.lab import stand_ins
from workshop.lab.home import Home, LabError


@dataclass(kw_only=True)
class TailnetAdministrator:
    """Who may do everything in the tailnet of the lab in the folder `home`."""

    home: Home

    def tailnet(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """A request to the tailnet's API."""
        key = stand_ins.credentials(self.home, "tailscale-api").read_text().strip()
        url = f"http://127.0.0.1:{self.home.port('tailscale-api')}/api/v2{path}"
        answer = httpx.request(method, url, json=body, auth=(key, ""), trust_env=False)
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    def device(self, hostname: str) -> dict[str, Any] | None:
        """The tailnet's device of that host name, the newest of several; None while there is none.

        A name is a device's for as long as it is in the tailnet, also after its process has ended.
        """
        found = self.tailnet("GET", f"/tailnet/-/devices?hostname={hostname}&fields=all")["devices"]
        return found[-1] if found else None

    def set_routes(self, hostname: str, routes: Sequence[str]) -> None:
        """Approve these routes of that device and no others; raises LabError without a device."""
        device = self.device(hostname)
        if device is None:
            raise LabError(f"the tailnet has no device {hostname}")
        self.tailnet("POST", f"/device/{device['nodeId']}/routes", {"routes": list(routes)})
