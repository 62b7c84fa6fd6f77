# ruff: noqa: N802 - the methods' names are the protocol's
"""The provider protocol, for stand-ins: Pulumi's gRPC service over resource types and functions."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2

from providers.plugin.errors import ProviderError
from providers.plugin.property_value import (
    UNKNOWN,
    Secret,
    decode,
    encode,
    has_secret,
    has_unknown,
    reveal,
)
from providers.plugin.servicer import About, Context, PluginServicer, one_line
from workshop.lab.plugins.difference import difference
from workshop.lab.plugins.provider import BadArgumentsError, Provider
from workshop.lab.plugins.resource_kind import ResourceKind


class Servicer(PluginServicer):
    def __init__(self, provider: Provider, engine_address: str) -> None:
        about = About(name=provider.name, version=provider.version, settings=provider.config_names)
        super().__init__(engine_address, about, provider.cancelled)
        self._provider = provider

    def schema(self) -> Mapping[str, Any]:
        """Which package it is; nothing here generates code from what is in it."""
        about = self._provider
        return {"name": about.name, "version": about.version, "description": about.notice}

    def settings(self, struct: struct_pb2.Struct) -> Mapping[str, object]:
        return dict(reveal(decode(struct)))

    def _kind(self, urn: str) -> ResourceKind:
        return self._provider.kind(urn, lambda line: self.log(line, urn))

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: Context
    ) -> provider_pb2.CheckResponse:
        response = super().CheckConfig(request, context)
        checked = {**self._provider.config_defaults, **decode(request.news)}
        response.inputs.CopyFrom(encode(checked))
        return response

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        with one_line(context):
            self._provider.configure(reveal(decode(request.args)))
        self.log(self._provider.notice)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=self._provider.accepts_secrets, supportsPreview=True
        )

    def Check(
        self, request: provider_pb2.CheckRequest, context: Context
    ) -> provider_pb2.CheckResponse:
        with one_line(context):
            inputs = {n: v for n, v in decode(request.news).items() if not n.startswith("__")}
            kind = self._kind(request.urn)
            failures = [
                provider_pb2.CheckFailure(property=name, reason=reason)
                for name, reason in kind.failures(reveal(inputs))
            ]
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=failures)

    def Diff(
        self, request: provider_pb2.DiffRequest, context: Context
    ) -> provider_pb2.DiffResponse:
        with one_line(context):
            kind = self._kind(request.urn)
            state, new = reveal(decode(request.olds)), reveal(decode(request.news))
            old = reveal(decode(request.old_inputs)) if request.HasField("old_inputs") else state
            return difference(kind, state, old, new, request.ignoreChanges)

    def Create(
        self, request: provider_pb2.CreateRequest, context: Context
    ) -> provider_pb2.CreateResponse:
        with one_line(context):
            kind, given = self._kind(request.urn), decode(request.properties)
            inputs = kind.with_defaults(reveal(given))
            if request.preview:
                computed: dict[str, Any] = {
                    name: UNKNOWN for name in kind.computed() if name not in inputs
                }
                resource_id = kind.new_id()
            else:
                _refuse_unknown(inputs)
                resource_id, computed = kind.create(inputs)
                computed |= {"id": resource_id} if kind.id_is_output else {}
                computed |= kind.marks(inputs | computed)
            properties = _outputs(kind, given, inputs, computed)
            return provider_pb2.CreateResponse(id=resource_id, properties=properties)

    def Read(
        self, request: provider_pb2.ReadRequest, context: Context
    ) -> provider_pb2.ReadResponse:
        with one_line(context):
            kind = self._kind(request.urn)
            given, old_inputs = decode(request.properties), decode(request.inputs)
            found = kind.read(request.id, reveal(given))
            if found is None:
                return provider_pb2.ReadResponse()
            resource_id, state = found
            state |= {"id": resource_id} if kind.id_is_output else {}
            state |= kind.marks(state)
            marked = {n: v for n, v in {**given, **old_inputs}.items() if has_secret(v)}
            properties = _outputs(kind, marked, {}, state)
            inputs = _read_inputs(kind, old_inputs, state)
            return provider_pb2.ReadResponse(id=resource_id, properties=properties, inputs=inputs)

    def Update(
        self, request: provider_pb2.UpdateRequest, context: Context
    ) -> provider_pb2.UpdateResponse:
        with one_line(context):
            kind, given = self._kind(request.urn), decode(request.news)
            olds = decode(request.olds)
            inputs, state = kind.with_defaults(reveal(given)), reveal(olds)
            kept = {n: state[n] for n in kind.computed() if n in state and n not in inputs}
            kept |= {"id": request.id} if kind.id_is_output else {}
            if request.preview:
                unknown = kind.unknown_in_update(state, inputs)
                computed = {n: UNKNOWN if n in unknown else v for n, v in kept.items()}
            else:
                _refuse_unknown(inputs)
                computed = kept | kind.update(request.id, state, inputs)
                computed |= kind.marks(inputs | computed)
            properties = _outputs(kind, given, inputs, computed)
            return provider_pb2.UpdateResponse(properties=properties)

    def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> empty_pb2.Empty:
        with one_line(context):
            kind, given = self._kind(request.urn), decode(request.properties)
            kind.delete(request.id, reveal(given))
            return empty_pb2.Empty()

    def Invoke(
        self, request: provider_pb2.InvokeRequest, context: Context
    ) -> provider_pb2.InvokeResponse:
        with one_line(context):
            function = self._provider.functions(self.log).get(request.tok)
            if function is None:
                raise ProviderError(
                    f"the {self._provider.notice} It has no function {request.tok!r}."
                )
            given = decode(request.args)
            try:
                result = function(reveal(given))
            except BadArgumentsError as error:
                return provider_pb2.InvokeResponse(
                    failures=[
                        provider_pb2.CheckFailure(property=name, reason=reason)
                        for name, reason in error.problems
                    ]
                )
            if self._provider.accepts_secrets:
                kept = {n: v for n, v in given.items() if reveal(v) == result.get(n)}
                result = {**result, **kept}
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
    """Inputs and computed properties; what is secret in `given` is so in them, at its place."""
    properties = {}
    for name, value in {**inputs, **computed}.items():
        before = None if name.startswith("__") else given.get(name)
        if before is not None and reveal(before) == value:
            properties[name] = before
        elif value is None or value is UNKNOWN:
            properties[name] = value
        elif name in kind.secret_outputs or has_secret(before):
            properties[name] = Secret(value)
        else:
            properties[name] = value
    return encode(properties)


def _read_inputs(
    kind: ResourceKind, old: Mapping[str, Any], state: Mapping[str, Any]
) -> struct_pb2.Struct:
    inputs: dict[str, Any] = {}
    for name, field in kind.fields.items():
        value = state.get(name)
        if name in old or (not old and value not in (None, "", field.default)):
            unchanged = name in old and (value is None or field.same(reveal(old[name]), value))
            marked = Secret(value) if has_secret(old.get(name)) else value
            inputs[name] = old[name] if unchanged else marked
    return encode(inputs)
