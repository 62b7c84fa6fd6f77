"""The tailnet of a lab on real nodes, by its API."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from workshop.lab import stand_ins
from workshop.lab.home import Home
from workshop.testing.network.rendered import exit_hostname

DEFAULT_ROUTES = ("0.0.0.0/0", "::/0")


@dataclass(kw_only=True)
class TailnetAdministrator:
    """Who may do everything in the tailnet of the lab in the folder `home`."""

    home: Home

    def tailnet(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the tailnet's API, as its administrator."""
        key = stand_ins.credentials(self.home, "tailscale-api").read_text().strip()
        url = f"http://127.0.0.1:{self.home.port('tailscale-api')}/api/v2{path}"
        answer = httpx.request(method, url, json=body, auth=(key, ""), trust_env=False)
        return answer.raise_for_status().json()

    def device(self, hostname: str) -> dict[str, Any] | None:
        """The tailnet's device of that host name, None while there is none."""
        found = self.tailnet("GET", f"/tailnet/-/devices?hostname={hostname}&fields=all")["devices"]
        return found[-1] if found else None

    def tailnet_address(self, node: str) -> str:
        """The tailnet address of the exit node there."""
        device = self.device(exit_hostname(node))
        assert device is not None
        return str(device["addresses"][0])

    def approve(self, node: str, routes: Sequence[str] = DEFAULT_ROUTES) -> None:
        """Approve, or with no routes disapprove, the exit node there, as the stack does: by API."""
        device = self.device(exit_hostname(node))
        assert device is not None
        self.tailnet("POST", f"/device/{device['nodeId']}/routes", {"routes": list(routes)})
