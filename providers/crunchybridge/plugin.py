# ruff: noqa: N802 - the methods' names are the protocol's
"""The plugin's settings, and what it has once they are known."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import httpx
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from providers.crunchybridge.claims import Claims
from providers.crunchybridge.client import VERSION
from providers.crunchybridge.listing import Listing
from providers.crunchybridge.pace import Clock
from providers.crunchybridge.property import decode
from providers.crunchybridge.schema import schema
from providers.crunchybridge.settings import NAMES, client_of
from providers.plugin.servicer import About, Context, PluginServicer, one_line

_ABOUT = About(name="crunchybridge", version=VERSION, settings=NAMES)


class Plugin(PluginServicer):
    """Answers the engine about all but resources."""

    def __init__(
        self,
        engine_address: str = "",
        *,
        clock: Clock | None = None,
        transport: httpx.BaseTransport | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """`clock` and `transport` are the process's own unless given."""
        super().__init__(engine_address, _ABOUT, threading.Event())
        self._clock = clock or Clock.real(self.cancelled)
        self._transport = transport
        self._environment = environment
        self._claims = Claims()
        self._listing: Listing | None = None
        self._why_not = "the provider is not configured"

    def schema(self) -> Mapping[str, Any]:
        return schema()

    def settings(self, struct: struct_pb2.Struct) -> Mapping[str, object]:
        return decode(struct)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        with one_line(context):
            given = decode(request.args)
            if any(setting.unknown for setting in given.values()):
                # A preview may come before the setting's source exists; it needs no API then.
                self._why_not = "the provider's settings are not known before the update"
            else:
                client = client_of(given, self._environment, self._clock, self._transport)
                self._listing = Listing(client, self._clock)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def _say(self, urn: str) -> Callable[[str], None]:
        return partial(self.log, urn=urn)
