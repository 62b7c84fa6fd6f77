# ruff: noqa: N802 - the methods' names are the protocol's
"""The provider protocol, for stand-ins: Pulumi's gRPC service over resource types and functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2

from lab.plugins.difference import difference
from lab.plugins.property_value import (
    UNKNOWN,
    Secret,
    decode,
    encode,
    has_secret,
    has_unknown,
    reveal,
    secret_texts,
)
from lab.plugins.provider import Provider
from lab.plugins.resource_kind import Operation, ResourceKind
from provider_plugin.errors import ProviderError
from provider_plugin.servicer import About, Context, PluginServicer, one_line


class Servicer(PluginServicer):
    """Answers the engine by what a stand-in is."""

    def __init__(self, provider: Provider, engine_address: str) -> None:
        about = About(name=provider.name, version=provider.version, settings=provider.config_names)
        super().__init__(engine_address, about, provider.cancelled)
        self._provider = provider

    def schema(self) -> Mapping[str, Any]:
        return self._provider.schema()

    def settings(self, struct: struct_pb2.Struct) -> Mapping[str, object]:
        return dict(reveal(decode(struct)))

    def _operation(self, urn: str, *values: object) -> Operation:
        secrets = frozenset().union(*(secret_texts(value) for value in values))
        return Operation(urn=urn, log=lambda line: self.log(line, urn), secrets=secrets)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        with one_line(context):
            self._provider.configure(reveal(decode(request.args)))
        self.log(self._provider.notice)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(
        self, request: provider_pb2.CheckRequest, context: Context
    ) -> provider_pb2.CheckResponse:
        with one_line(context):
            inputs = {n: v for n, v in decode(request.news).items() if not n.startswith("__")}
            kind = self._provider.kind(request.urn)
            failures = [
                provider_pb2.CheckFailure(property=name, reason=reason)
                for name, reason in kind.failures(reveal(inputs))
            ]
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=failures)

    def Diff(
        self, request: provider_pb2.DiffRequest, context: Context
    ) -> provider_pb2.DiffResponse:
        with one_line(context):
            kind = self._provider.kind(request.urn)
            state, new = reveal(decode(request.olds)), reveal(decode(request.news))
            old = reveal(decode(request.old_inputs)) if request.HasField("old_inputs") else state
            return difference(kind, state, old, new, request.ignoreChanges)

    def Create(
        self, request: provider_pb2.CreateRequest, context: Context
    ) -> provider_pb2.CreateResponse:
        with one_line(context):
            kind, given = self._provider.kind(request.urn), decode(request.properties)
            inputs = kind.with_defaults(reveal(given))
            if request.preview:
                computed = {n: UNKNOWN for n in kind.computed() if n not in inputs}
                resource_id = ""
            else:
                _refuse_unknown(inputs)
                operation = self._operation(request.urn, given)
                resource_id, computed = kind.create(inputs, operation)
            properties = _outputs(kind, given, inputs, computed)
            return provider_pb2.CreateResponse(id=resource_id, properties=properties)

    def Read(
        self, request: provider_pb2.ReadRequest, context: Context
    ) -> provider_pb2.ReadResponse:
        with one_line(context):
            kind = self._provider.kind(request.urn)
            given, old_inputs = decode(request.properties), decode(request.inputs)
            found = kind.read(request.id, reveal(given))
            if found is None:
                return provider_pb2.ReadResponse()
            resource_id, state = found
            marked = {n: v for n, v in {**given, **old_inputs}.items() if has_secret(v)}
            properties = _outputs(kind, marked, {}, state)
            inputs = _read_inputs(kind, old_inputs, state)
            return provider_pb2.ReadResponse(id=resource_id, properties=properties, inputs=inputs)

    def Update(
        self, request: provider_pb2.UpdateRequest, context: Context
    ) -> provider_pb2.UpdateResponse:
        with one_line(context):
            kind, given = self._provider.kind(request.urn), decode(request.news)
            olds = decode(request.olds)
            inputs, state = kind.with_defaults(reveal(given)), reveal(olds)
            kept = {n: state[n] for n in kind.computed() if n in state and n not in inputs}
            if request.preview:
                computed = {
                    n: UNKNOWN if n in kind.changed_by_update else v for n, v in kept.items()
                }
            else:
                _refuse_unknown(inputs)
                operation = self._operation(request.urn, given, olds)
                computed = kept | kind.update(request.id, state, inputs, operation)
            properties = _outputs(kind, given, inputs, computed)
            return provider_pb2.UpdateResponse(properties=properties)

    def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> empty_pb2.Empty:
        with one_line(context):
            kind, given = self._provider.kind(request.urn), decode(request.properties)
            kind.delete(request.id, reveal(given), self._operation(request.urn, given))
            return empty_pb2.Empty()

    def Invoke(
        self, request: provider_pb2.InvokeRequest, context: Context
    ) -> provider_pb2.InvokeResponse:
        with one_line(context):
            function = self._provider.functions().get(request.tok)
            if function is None:
                raise ProviderError(
                    f"the {self._provider.notice} It has no function {request.tok!r}."
                )
            given = decode(request.args)
            result = function(reveal(given), self._operation("", given))
            if has_secret(given):
                result = {name: Secret(value) for name, value in result.items()}
            # `return` is a keyword, so it cannot be written as an argument's name.
            return provider_pb2.InvokeResponse(**{"return": encode(result)})  # type: ignore[arg-type]


def _refuse_unknown(inputs: Mapping[str, Any]) -> None:
    for name, value in inputs.items():
        if has_unknown(value):
            raise ProviderError(f"{name!r} is still unknown: nothing was done")


def _outputs(
    kind: ResourceKind,
    given: Mapping[str, Any],
    inputs: Mapping[str, Any],
    computed: Mapping[str, Any],
) -> struct_pb2.Struct:
    spread = kind.spreads_secrets and has_secret(dict(given))
    properties = {}
    for name, value in {**inputs, **computed}.items():
        secret = (
            name in kind.secret_outputs
            or has_secret(given.get(name))
            or (spread and name in kind.outputs)
        )
        properties[name] = Secret(value) if secret and value is not None else value
    return encode(properties)


def _read_inputs(
    kind: ResourceKind, old: Mapping[str, Any], state: Mapping[str, Any]
) -> struct_pb2.Struct:
    inputs: dict[str, Any] = {}
    for name, field in kind.fields.items():
        value = state.get(name)
        if name in old or (not old and value is not None and value != field.default):
            unchanged = name in old and (value is None or field.same(reveal(old[name]), value))
            marked = Secret(value) if has_secret(old.get(name)) else value
            inputs[name] = old[name] if unchanged else marked
    return encode(inputs)
