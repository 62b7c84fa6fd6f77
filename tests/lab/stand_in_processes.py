"""Real processes for the lab's tests: the API stand-in, and plugins with a listening engine."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from lab.plugins.property_value import decode, encode

REPOSITORY = Path(__file__).parents[2]
OWNED_TAGS = ("tag:exit", "tag:worker")
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
class StandIn:
    """A running API stand-in, and clients of it with and without its API key."""

    process: subprocess.Popen[str]
    url: str
    api_key: str
    api: httpx.Client
    lab: httpx.Client

    def requests(self) -> list[dict[str, Any]]:
        """What the API was asked, oldest first."""
        recorded: list[dict[str, Any]] = self.lab.get("/lab/requests").json()["requests"]
        return recorded

    def forget_requests(self) -> None:
        """Begin a new record."""
        self.lab.delete("/lab/requests").raise_for_status()

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
    command = [sys.executable, "-m", "lab.tailscale_api", "--port", "0"]
    files = ["--state", str(folder / "state.json"), "--credentials", str(folder / "api-key")]
    log = (folder / "log").open("a")
    process = subprocess.Popen(
        [*command, *files, *arguments],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        cwd=REPOSITORY,
    )
    log.close()
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url, (folder / "log").read_text()
    api_key = (folder / "api-key").read_text().strip()
    return StandIn(
        process=process,
        url=url,
        api_key=api_key,
        api=httpx.Client(base_url=f"{url}/api/v2/", auth=(api_key, ""), trust_env=False),
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


class Engine(engine_pb2_grpc.EngineServicer):
    """An engine that only listens."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []

    def Log(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the protocol's
        """Keep URN and message."""
        self.messages.append((request.urn, request.message))
        return empty_pb2.Empty()

    def said(self) -> str:
        """All messages, a line each."""
        return "\n".join(message for _, message in self.messages)


def details(caught: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    """The message of a failed call."""
    call: Any = caught.value  # The type of a failed call is grpc's own secret.
    return str(call.details())


@dataclass
class Plugin:
    """A running plugin, spoken to as the engine speaks to it."""

    process: subprocess.Popen[str]
    channel: grpc.Channel
    engine: Engine
    stub: provider_pb2_grpc.ResourceProviderStub = field(init=False)

    def __post_init__(self) -> None:
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def configure(self, **settings: Any) -> None:
        """Configure the provider."""
        self.stub.Configure(
            provider_pb2.ConfigureRequest(args=encode(settings), acceptSecrets=True)
        )

    def urn(self, type_name: str) -> str:
        """A URN of the type."""
        return f"urn:pulumi:test::test::{type_name}::thing"

    def check(self, type_name: str, **inputs: Any) -> list[str]:
        """The reasons for refusing the inputs."""
        request = provider_pb2.CheckRequest(urn=self.urn(type_name), news=encode(inputs))
        return [failure.reason for failure in self.stub.Check(request).failures]

    def diff(
        self, type_name: str, old: dict[str, Any], new: dict[str, Any], **state: Any
    ) -> provider_pb2.DiffResponse:
        """What changes from the old inputs to the new; `state` is what is in it beside them."""
        request = provider_pb2.DiffRequest(
            urn=self.urn(type_name),
            id="id",
            olds=encode({"id": "id"} | state | old),
            old_inputs=encode(old),
            news=encode(new),
        )
        response: provider_pb2.DiffResponse = self.stub.Diff(request)
        return response

    def create(
        self, type_name: str, *, preview: bool = False, **inputs: Any
    ) -> tuple[str, dict[str, Any]]:
        """Create, and give the id and the properties."""
        request = provider_pb2.CreateRequest(
            urn=self.urn(type_name), properties=encode(inputs), preview=preview
        )
        response = self.stub.Create(request)
        return response.id, decode(response.properties)

    def read(
        self, type_name: str, resource_id: str, state: dict[str, Any], inputs: dict[str, Any]
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Read, and give the id, the properties and the inputs."""
        request = provider_pb2.ReadRequest(
            urn=self.urn(type_name),
            id=resource_id,
            properties=encode(state),
            inputs=encode(inputs),
        )
        response = self.stub.Read(request)
        return response.id, decode(response.properties), decode(response.inputs)

    def update(
        self,
        type_name: str,
        resource_id: str,
        state: dict[str, Any],
        *,
        preview: bool = False,
        **inputs: Any,
    ) -> dict[str, Any]:
        """Update, and give the properties."""
        request = provider_pb2.UpdateRequest(
            urn=self.urn(type_name),
            id=resource_id,
            olds=encode(state),
            news=encode(inputs),
            preview=preview,
        )
        return decode(self.stub.Update(request).properties)

    def delete(self, type_name: str, resource_id: str, state: dict[str, Any]) -> None:
        """Delete."""
        request = provider_pb2.DeleteRequest(
            urn=self.urn(type_name), id=resource_id, properties=encode(state)
        )
        self.stub.Delete(request)

    def invoke(self, function: str, **args: Any) -> dict[str, Any]:
        """Call a function."""
        response = self.stub.Invoke(provider_pb2.InvokeRequest(tok=function, args=encode(args)))
        return decode(getattr(response, "return"))

    def refusals(self, function: str, **args: Any) -> list[str]:
        """The reasons for refusing a function's arguments."""
        response = self.stub.Invoke(provider_pb2.InvokeRequest(tok=function, args=encode(args)))
        return [failure.reason for failure in response.failures]
