# ruff: noqa: N802 - the methods' names are the protocol's
"""The part of the provider protocol that is not about resources: plugin, settings, schema, log.

Protocol: `pulumirpc.ResourceProvider`, on the SDK's stubs rather than on
`pulumi.provider.experimental`, which cannot express an unknown value, appends a traceback to every
error, hides the old inputs and the engine's log from a provider, and dies of an interrupt in the
middle of a request.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
)

from providers.plugin.errors import ProviderError

Context: TypeAlias = grpc.ServicerContext
# Settings that the engine itself gives a provider.
_OF_THE_ENGINE = frozenset({"version", "pluginDownloadURL"})


@dataclass(frozen=True, kw_only=True)
class About:
    """A plugin's package: its name, its version, and the names of its settings."""

    name: str
    version: str
    settings: frozenset[str]


class PluginServicer(provider_pb2_grpc.ResourceProviderServicer, ABC):
    """Answers what the engine asks of every plugin; a subclass answers about resources.

    `cancelled` is set when what waits is to end. Failures are one line: a traceback helps no user.
    """

    def __init__(self, engine_address: str, about: About, cancelled: threading.Event) -> None:
        self.cancelled = cancelled
        self._about = about
        self._engine: engine_pb2_grpc.EngineStub | None = None
        self._attach(engine_address)

    @abstractmethod
    def schema(self) -> Mapping[str, Any]:
        """The package's schema, as JSON has it."""

    @abstractmethod
    def settings(self, struct: struct_pb2.Struct) -> Mapping[str, object]:
        """A message's settings by name, as values that can be compared."""

    def log(self, message: str, urn: str = "") -> None:
        """Tell the engine's user something, about a resource where `urn` is one."""
        if self._engine is None:
            return
        try:
            self._engine.Log(
                engine_pb2.LogRequest(severity=engine_pb2.INFO, message=message, urn=urn)
            )
        except grpc.RpcError:
            # The engine has gone or is going: there is nobody left to tell.
            self._engine = None

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        self._attach(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: plugin_pb2.PluginAttach, context: Context) -> empty_pb2.Empty:
        self._attach(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: Context) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._about.version)

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: Context
    ) -> provider_pb2.GetSchemaResponse:
        return provider_pb2.GetSchemaResponse(schema=json.dumps(self.schema()))

    def GetMapping(
        self, request: provider_pb2.GetMappingRequest, context: Context
    ) -> provider_pb2.GetMappingResponse:
        """No resource here is known under another tool's name."""
        return provider_pb2.GetMappingResponse()

    def Cancel(self, request: empty_pb2.Empty, context: Context) -> empty_pb2.Empty:
        """End all waiting; requests under way are finished, so that their outcome is known."""
        self.cancelled.set()
        return empty_pb2.Empty()

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: Context
    ) -> provider_pb2.CheckResponse:
        """Refuse settings there are not."""
        known = self._about.settings | _OF_THE_ENGINE
        failures = [
            provider_pb2.CheckFailure(
                property=name, reason=f"{name!r} is no setting of the {self._about.name} provider"
            )
            for name in request.news.fields
            if name not in known and not name.startswith("__")
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(
        self, request: provider_pb2.DiffRequest, context: Context
    ) -> provider_pb2.DiffResponse:
        """No setting replaces resources: a new key is for the same things."""
        old, new = self.settings(request.old_inputs), self.settings(request.news)
        changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        response = provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if changed else response.DIFF_NONE, diffs=changed
        )

    def _attach(self, address: str) -> None:
        if address:
            self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))


@contextmanager
def one_line(context: Context) -> Iterator[None]:
    """Answer the call with the one line of a ProviderError that the block raises."""
    try:
        yield
    except ProviderError as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
