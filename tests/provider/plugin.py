"""The plugin's real process, spoken to over gRPC as the engine speaks to it."""

from __future__ import annotations

import subprocess
import sys
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from lab.plugins.property_value import decode, encode
from tests.provider.stand_in import REPOSITORY
from tests.provider.world import urn


class Engine(engine_pb2_grpc.EngineServicer):
    """An engine that only listens."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def Log(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the protocol's
        """Keep the message."""
        self.messages.append(request.message)
        return empty_pb2.Empty()


def details(caught: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    """The message of a failed call."""
    call: Any = caught.value  # The type of a failed call is grpc's own secret.
    return str(call.details())


@dataclass
class Plugin:
    """A running plugin."""

    process: subprocess.Popen[str]
    engine: Engine
    channel: grpc.Channel
    log: Path
    stub: provider_pb2_grpc.ResourceProviderStub = field(init=False)

    def __post_init__(self) -> None:
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)

    @classmethod
    def start(cls, folder: Path, **environment: str) -> Plugin:
        """Start the folder as the engine does, from another working directory."""
        engine = Engine()
        log = folder / "plugin.log"
        with log.open("a") as sink:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-u",
                    str(REPOSITORY / "providers" / "crunchybridge"),
                    f"127.0.0.1:{engine.port}",
                ],
                stdout=subprocess.PIPE,
                stderr=sink,
                text=True,
                cwd=folder,
                env={"PATH": "/usr/bin:/bin"} | environment,
            )
        assert process.stdout is not None
        address = f"127.0.0.1:{int(process.stdout.readline())}"
        return cls(process, engine, grpc.insecure_channel(address), log)

    def stop(self) -> None:
        """Kill it."""
        self.channel.close()
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.engine.server.stop(grace=None).wait()

    def configure(self, **settings: Any) -> None:
        """Configure the provider."""
        self.stub.Configure(provider_pb2.ConfigureRequest(args=encode(settings)))

    def check(self, name: str = "rule", **inputs: Any) -> tuple[dict[str, Any], list[str]]:
        """The inputs in normal form, and the reasons for refusing them."""
        answer = self.stub.Check(provider_pb2.CheckRequest(urn=urn(name), news=encode(inputs)))
        return decode(answer.inputs), [failure.reason for failure in answer.failures]

    def diff(self, state: dict[str, Any], inputs: dict[str, Any]) -> provider_pb2.DiffResponse:
        """What changes."""
        request = provider_pb2.DiffRequest(
            urn=urn("rule"), id="id", olds=encode(state), news=encode(inputs)
        )
        response: provider_pb2.DiffResponse = self.stub.Diff(request)
        return response

    def create(
        self, name: str = "rule", *, preview: bool = False, **inputs: Any
    ) -> tuple[str, dict[str, Any]]:
        """Check and create; the id and the outputs."""
        checked, failures = self.check(name, **inputs)
        assert failures == []
        request = provider_pb2.CreateRequest(
            urn=urn(name), properties=encode(checked), preview=preview
        )
        made = self.stub.Create(request)
        return made.id, decode(made.properties)

    def read(
        self, given_id: str, state: dict[str, Any], name: str = "rule"
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """The id, the outputs and the inputs; an empty state is an import."""
        request = provider_pb2.ReadRequest(urn=urn(name), id=given_id, properties=encode(state))
        found = self.stub.Read(request)
        return found.id, decode(found.properties), decode(found.inputs)

    def update(
        self, given_id: str, state: dict[str, Any], *, preview: bool = False, **inputs: Any
    ) -> dict[str, Any]:
        """Check and update; the outputs."""
        checked, failures = self.check(**inputs)
        assert failures == []
        request = provider_pb2.UpdateRequest(
            urn=urn("rule"),
            id=given_id,
            olds=encode(state),
            news=encode(checked),
            preview=preview,
        )
        return decode(self.stub.Update(request).properties)

    def delete(self, given_id: str, name: str = "rule") -> None:
        """Delete."""
        self.stub.Delete(provider_pb2.DeleteRequest(urn=urn(name), id=given_id))

    def invoke(self, function: str, **args: Any) -> dict[str, Any]:
        """Call a function."""
        response = self.stub.Invoke(provider_pb2.InvokeRequest(tok=function, args=encode(args)))
        return decode(getattr(response, "return"))
