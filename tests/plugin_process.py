"""A provider plugin's process, spoken to over gRPC as the engine speaks to it."""

import subprocess
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from providers.plugin.property_value import decode, encode


class Engine(engine_pb2_grpc.EngineServicer):
    """An engine that only listens."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def Log(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the protocol's
        self.messages.append((request.urn, request.message))
        return empty_pb2.Empty()

    def said(self) -> str:
        return "\n".join(message for _, message in self.messages)


def details(caught: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    call: Any = caught.value  # The type of a failed call is grpc's own secret.
    return str(call.details())


@dataclass
class PluginProcess:
    process: subprocess.Popen[str]
    engine: Engine
    channel: grpc.Channel
    log: Path
    stub: provider_pb2_grpc.ResourceProviderStub = field(init=False)

    def __post_init__(self) -> None:
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)

    @classmethod
    def run(cls, command: list[str], folder: Path, **environment: str) -> Self:
        """Start the command in `folder`, where its standard error is kept."""
        engine = Engine()
        log = folder / "plugin.log"
        with log.open("a") as sink:
            process = subprocess.Popen(
                [*command, f"127.0.0.1:{engine.port}"],
                stdout=subprocess.PIPE,
                stderr=sink,
                text=True,
                cwd=folder,
                env={"PATH": "/usr/bin:/bin"} | environment,
            )
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        plugin = cls(process, engine, grpc.insecure_channel(f"127.0.0.1:{port}"), log)
        if not port.isdigit():
            plugin.stop()
            raise AssertionError(f"{command[-1]} gave no port: {log.read_text()}")
        return plugin

    def stop(self) -> None:
        self.channel.close()
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.engine.server.stop(grace=None).wait()

    def invoke(self, function: str, **args: Any) -> dict[str, Any]:
        response = self.stub.Invoke(provider_pb2.InvokeRequest(tok=function, args=encode(args)))
        return decode(getattr(response, "return"))

    def configure(self, **settings: Any) -> None:
        request = provider_pb2.ConfigureRequest(args=encode(settings), acceptSecrets=True)
        self.stub.Configure(request)

    def urn(self, what: str) -> str:
        """The URN of what a test names: a type of resource, or one by its name."""
        raise NotImplementedError

    def checked(self, what: str, inputs: dict[str, Any]) -> provider_pb2.CheckResponse:
        request = provider_pb2.CheckRequest(
            urn=self.urn(what), news=encode(inputs), randomSeed=bytes(32)
        )
        response: provider_pb2.CheckResponse = self.stub.Check(request)
        return response

    def compared(
        self,
        what: str,
        resource_id: str,
        state: dict[str, Any],
        old: dict[str, Any],
        new: dict[str, Any],
    ) -> provider_pb2.DiffResponse:
        """What changes of a resource with that state from the old inputs to the new."""
        request = provider_pb2.DiffRequest(
            urn=self.urn(what),
            id=resource_id,
            olds=encode(state),
            old_inputs=encode(old),
            news=encode(new),
        )
        response: provider_pb2.DiffResponse = self.stub.Diff(request)
        return response

    def create(
        self, what: str, *, preview: bool = False, **inputs: Any
    ) -> tuple[str, dict[str, Any]]:
        response = self.stub.Create(
            provider_pb2.CreateRequest(
                urn=self.urn(what), properties=encode(inputs), preview=preview
            )
        )
        return response.id, decode(response.properties)

    def read(
        self, what: str, resource_id: str, state: dict[str, Any], inputs: dict[str, Any]
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """The id, the properties and the inputs of a resource; an empty state is an import."""
        response = self.stub.Read(
            provider_pb2.ReadRequest(
                urn=self.urn(what),
                id=resource_id,
                properties=encode(state),
                inputs=encode(inputs),
            )
        )
        return response.id, decode(response.properties), decode(response.inputs)

    def update(
        self,
        what: str,
        resource_id: str,
        state: dict[str, Any],
        *,
        preview: bool = False,
        **inputs: Any,
    ) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(
            urn=self.urn(what),
            id=resource_id,
            olds=encode(state),
            news=encode(inputs),
            preview=preview,
        )
        return decode(self.stub.Update(request).properties)

    def delete(self, what: str, resource_id: str, state: dict[str, Any]) -> None:
        request = provider_pb2.DeleteRequest(
            urn=self.urn(what), id=resource_id, properties=encode(state)
        )
        self.stub.Delete(request)
