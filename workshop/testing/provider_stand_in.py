"""The API's stand-in as a process of its own, as the lab runs it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lab.crunchybridge_api.eid import new_eid

REPOSITORY = Path(__file__).parents[2]


@dataclass
class StandIn:
    """A running stand-in with one network, and clients with and without its API key."""

    process: subprocess.Popen[str]
    url: str
    api_key: str
    network: str
    api: httpx.Client
    lab: httpx.Client

    @property
    def path(self) -> str:
        """Of the network's rules."""
        return f"/networks/{self.network}/firewall-rules"

    def rules(self) -> list[dict[str, Any]]:
        """The network's rules, all of them."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.api.get(self.path, params={"limit": 200, "cursor": cursor}).json()
            found += page["firewall_rules"]
            if not page["has_more"]:
                return found
            cursor = page["next_cursor"]

    def said(self) -> set[tuple[str, str, str | None]]:
        """What the rules say: range, kind, description."""
        rules = self.rules()
        said = {(each["rule"], each["kind"], each["description"]) for each in rules}
        assert len(said) == len(rules)
        return said

    def add(self, rule: str, **fields: Any) -> dict[str, Any]:
        """A rule by another hand."""
        response = self.api.post(self.path, json={"rule": rule} | fields)
        response.raise_for_status()
        added: dict[str, Any] = response.json()
        return added

    def remove(self, rule: str) -> None:
        """Remove a rule by another hand."""
        found = next(each for each in self.rules() if each["rule"] == rule)
        self.api.delete(f"{self.path}/{found['id']}").raise_for_status()

    def fault(self, effect: str, **fields: Any) -> None:
        """Order a fault."""
        body = {"effect": effect} | fields
        self.lab.post("/lab/faults", json=body).raise_for_status()

    def requests(self) -> list[tuple[str, str]]:
        """Method and path of what the API was asked since `forget_requests`."""
        entries = self.lab.get("/lab/requests").json()["requests"]
        return [(each["method"], each["path"]) for each in entries]

    def forget_requests(self) -> None:
        """Begin a new record."""
        self.lab.delete("/lab/requests").raise_for_status()


def start_stand_in(folder: Path, network: str = "") -> StandIn:
    """Start the server on a free port with its files in `folder`."""
    network = network or new_eid()
    command = [sys.executable, "-m", "lab.crunchybridge_api", "--port", "0"]
    files = ["--state", str(folder / "state.json"), "--credentials", str(folder / "api-key")]
    with (folder / "stand-in.log").open("a") as log:
        process = subprocess.Popen(
            [*command, *files, "--network", network],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=REPOSITORY,
        )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url, (folder / "stand-in.log").read_text()
    api_key = (folder / "api-key").read_text().strip()
    headers = {"Authorization": f"Bearer {api_key}"}
    return StandIn(
        process=process,
        url=url,
        api_key=api_key,
        network=network,
        api=httpx.Client(base_url=url, headers=headers, trust_env=False),
        lab=httpx.Client(base_url=url, trust_env=False),
    )


def stop_stand_in(stand_in: StandIn) -> None:
    """Kill the server as hard as can be, and close the clients."""
    stand_in.api.close()
    stand_in.lab.close()
    stand_in.process.kill()
    stand_in.process.wait()
    if stand_in.process.stdout is not None:
        stand_in.process.stdout.close()
