"""Real processes for the lab's tests: the API stand-in, and plugins with a listening engine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pulumi.runtime.proto import provider_pb2

from providers.plugin.property_value import encode
from tests.plugin_process import PluginProcess
from workshop.testing.stand_in_server import StandInServer, start

REPOSITORY = Path(__file__).parents[2]
POLICY = """{
    // Who may carry which tag.
    "tagOwners": {"tag:exit": [], "tag:worker": [],},
    "autoApprovers": {"exitNode": ["tag:exit"]},
}"""

# Inputs of a TailnetKey.
WORKER_KEY: dict[str, Any] = {
    "ephemeral": True,
    "reusable": True,
    "preauthorized": True,
    "expiry": 3600,
    "tags": ["tag:worker"],
    "description": "workers",
}


@dataclass
class StandIn(StandInServer):
    def requests(self) -> list[dict[str, Any]]:
        recorded: list[dict[str, Any]] = self.lab.get("/lab/requests").json()["requests"]
        return recorded

    def key(self, **capabilities: Any) -> dict[str, Any]:
        """An auth key, reusable and tagged unless said otherwise."""
        create = {"reusable": True, "preauthorized": True, "tags": ["tag:exit"]} | capabilities
        body = {"capabilities": {"devices": {"create": create}}}
        answer: dict[str, Any] = self.api.post("tailnet/-/keys", json=body).json()
        return answer

    def log_in(self, auth_key: str, hostname: str, **fields: Any) -> httpx.Response:
        """Log a device in; its identity is its hostname's unless given."""
        body = {"authKey": auth_key, "hostname": hostname, "identity": f"node-{hostname}"}
        return self.lab.post("/lab/devices", json=body | fields)


def start_stand_in(folder: Path, *arguments: str) -> StandIn:
    """Start the server on a free port with its files in `folder`."""
    started = start("workshop.lab.tailscale_api", folder, *arguments)
    auth = (started.api_key, "")
    return StandIn(
        **vars(started),
        api=httpx.Client(base_url=f"{started.url}/api/v2/", auth=auth, trust_env=False),
        lab=httpx.Client(base_url=started.url, trust_env=False),
    )


class Plugin(PluginProcess):
    """A plugin of the lab, or the real one in its place."""

    def urn(self, type_name: str) -> str:
        return f"urn:pulumi:test::test::{type_name}::thing"

    def check(self, type_name: str, **inputs: Any) -> list[str]:
        return [failure.reason for failure in self.checked(type_name, inputs).failures]

    def diff(
        self, type_name: str, old: dict[str, Any], new: dict[str, Any], **state: Any
    ) -> provider_pb2.DiffResponse:
        """What changes from the old inputs to the new; `state` is what is in it beside them."""
        return self.compared(type_name, "id", {"id": "id"} | state | old, old, new)

    def refusals(self, function: str, **args: Any) -> list[str]:
        response = self.stub.Invoke(provider_pb2.InvokeRequest(tok=function, args=encode(args)))
        return [failure.reason for failure in response.failures]
