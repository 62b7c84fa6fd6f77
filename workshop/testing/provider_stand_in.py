"""CrunchyBridge's stand-in with one network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from workshop.lab.crunchybridge_api.eid import new_eid
from workshop.testing.stand_in_server import StandInServer, start


@dataclass
class StandIn(StandInServer):
    network: str

    @property
    def path(self) -> str:
        return f"/networks/{self.network}/firewall-rules"

    def rules(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.api.get(self.path, params={"limit": 200, "cursor": cursor}).json()
            found += page["firewall_rules"]
            if not page["has_more"]:
                return found
            cursor = page["next_cursor"]

    def said(self) -> set[tuple[str, str, str | None]]:
        rules = self.rules()
        said = {(each["rule"], each["kind"], each["description"]) for each in rules}
        assert len(said) == len(rules)
        return said

    def add(self, rule: str, **fields: Any) -> dict[str, Any]:
        response = self.api.post(self.path, json={"rule": rule} | fields)
        response.raise_for_status()
        added: dict[str, Any] = response.json()
        return added

    def remove(self, rule: str) -> None:
        found = next(each for each in self.rules() if each["rule"] == rule)
        self.api.delete(f"{self.path}/{found['id']}").raise_for_status()

    def fault(self, effect: str, **fields: Any) -> None:
        body = {"effect": effect} | fields
        self.lab.post("/lab/faults", json=body).raise_for_status()

    def requests(self) -> list[tuple[str, str]]:
        """Method and path of what the API was asked since `forget_requests`."""
        entries = self.lab.get("/lab/requests").json()["requests"]
        return [(each["method"], each["path"]) for each in entries]


def start_stand_in(folder: Path, network: str = "") -> StandIn:
    """Start the server on a free port with its files in `folder`."""
    network = network or new_eid()
    started = start("workshop.lab.crunchybridge_api", folder, "--network", network)
    headers = {"Authorization": f"Bearer {started.api_key}"}
    return StandIn(
        **vars(started),
        network=network,
        api=httpx.Client(base_url=started.url, headers=headers, trust_env=False),
        lab=httpx.Client(base_url=started.url, trust_env=False),
    )
