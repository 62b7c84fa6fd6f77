# ruff: noqa: N802 - the methods' names are the protocol's
"""The part of the provider protocol that is not about resources: plugin, settings, schema.

On the SDK's stubs rather than on `pulumi.provider.experimental`, which cannot express an unknown
value, appends a traceback to every error, hides the old inputs and the engine's log from a
provider, and dies of an interrupt in the middle of a request.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import grpc
import httpx
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
)

from providers.crunchybridge.claims import Claims
from providers.crunchybridge.client import VERSION, Client
from providers.crunchybridge.errors import ProviderError
from providers.crunchybridge.listing import Listing
from providers.crunchybridge.pace import Clock
from providers.crunchybridge.property import decode
from providers.crunchybridge.schema import schema
from providers.crunchybridge.settings import NAMES, settings

Context: TypeAlias = grpc.ServicerContext


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """What the engine asks of every plugin. A failure is one line: a traceback helps no user."""

    def __init__(
        self,
        engine_address: str = "",
        *,
        clock: Clock | None = None,
        transport: httpx.BaseTransport | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """`clock` and `transport` are the process's own unless given."""
        self.cancelled = threading.Event()
        self._clock = clock or Clock.real(self.cancelled)
        self._transport = transport
        self._environment = environment
        self._engine: engine_pb2_grpc.EngineStub | None = None
        self._claims = Claims()
        self._client: Client | None = None
        self._listing: Listing | None = None
        self._why_not = "the provider is not configured"
        self._attach(engine_address)

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Learn where the engine is."""
        del context
        self._attach(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: plugin_pb2.PluginAttach, context: Context) -> empty_pb2.Empty:
        """Learn where the engine is."""
        del context
        self._attach(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: Context) -> plugin_pb2.PluginInfo:
        """The version."""
        del request, context
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: Context
    ) -> provider_pb2.GetSchemaResponse:
        """The package's schema."""
        del request, context
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema()))

    def GetMapping(
        self, request: provider_pb2.GetMappingRequest, context: Context
    ) -> provider_pb2.GetMappingResponse:
        """There is no Terraform provider of these resources."""
        del request, context
        return provider_pb2.GetMappingResponse()

    def Cancel(self, request: empty_pb2.Empty, context: Context) -> empty_pb2.Empty:
        """End all waiting; requests under way are finished, so that their outcome is known."""
        del request, context
        self.cancelled.set()
        return empty_pb2.Empty()

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: Context
    ) -> provider_pb2.CheckResponse:
        """Refuse settings there are not."""
        del context
        failures = [
            provider_pb2.CheckFailure(
                property=name, reason=f"{name!r} is no setting of the crunchybridge provider"
            )
            for name in request.news.fields
            if name not in NAMES and not name.startswith("__")
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(
        self, request: provider_pb2.DiffRequest, context: Context
    ) -> provider_pb2.DiffResponse:
        """No setting makes resources anew: a new key is for the same networks."""
        del context
        old, new = decode(request.old_inputs), decode(request.news)
        changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        response = provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if changed else response.DIFF_NONE, diffs=changed
        )

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        """Take the settings."""
        with one_line(context):
            given = decode(request.args)
            if any(each.unknown for each in given.values()):
                # A preview may come before the setting's source exists; it needs no API then.
                self._why_not = "the provider's settings are not known before the update"
            else:
                chosen = settings(given, self._environment)
                self._client = Client(
                    api_key=chosen.api_key,
                    url=chosen.url,
                    clock=self._clock,
                    transport=self._transport,
                )
                self._listing = Listing(self._client, self._clock)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def _attach(self, address: str) -> None:
        if address:
            self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def _say(self, urn: str) -> Callable[[str], None]:
        def say(message: str) -> None:
            if self._engine is None:
                return
            try:
                self._engine.Log(
                    engine_pb2.LogRequest(severity=engine_pb2.INFO, message=message, urn=urn)
                )
            except grpc.RpcError:
                # The engine has gone or is going: there is nobody left to tell.
                self._engine = None

        return say


@contextmanager
def one_line(context: Any) -> Iterator[None]:  # noqa: ANN401 - a grpc.ServicerContext
    try:
        yield
    except ProviderError as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
