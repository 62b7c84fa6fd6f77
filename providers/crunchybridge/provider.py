# ruff: noqa: N802 - the methods' names are the protocol's
"""The provider: Pulumi's gRPC service `pulumirpc.ResourceProvider` over the firewall rules."""

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2

from providers.crunchybridge import inputs as rule_inputs
from providers.crunchybridge import retired_rule
from providers.crunchybridge.claims import Claims
from providers.crunchybridge.client import VERSION
from providers.crunchybridge.firewall_rule import TYPE_NAME, FirewallRules, previewed
from providers.crunchybridge.listing import Listing
from providers.crunchybridge.pace import Clock
from providers.crunchybridge.property import Property, decode, encode
from providers.crunchybridge.retired_rule import RetiredRules
from providers.crunchybridge.rule import FirewallRule, is_eid
from providers.crunchybridge.schema import GET_RULES, schema
from providers.crunchybridge.settings import NAMES, client_of
from providers.plugin import property_value
from providers.plugin.errors import ProviderError
from providers.plugin.servicer import About, Context, PluginServicer, one_line
from providers.plugin.urn import parsed

_ABOUT = About(name="crunchybridge", version=VERSION, settings=NAMES)
_KIND = provider_pb2.PropertyDiff


class Provider(PluginServicer):
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

    def Check(
        self, request: provider_pb2.CheckRequest, context: Context
    ) -> provider_pb2.CheckResponse:
        """Refuse or put in order the inputs, also those that overlap another resource's."""
        with one_line(context):
            retires = _retires(request.urn)
            names = retired_rule.INPUTS if retires else rule_inputs.INPUTS
            inputs, failures = rule_inputs.check(decode(request.news), names)
            if not failures and not retires:
                failures = self._check_overlap(request.urn, inputs)
            return provider_pb2.CheckResponse(
                inputs=encode(inputs),
                failures=[
                    provider_pb2.CheckFailure(property=failure.name, reason=failure.reason)
                    for failure in failures
                ],
            )

    def Diff(
        self, request: provider_pb2.DiffRequest, context: Context
    ) -> provider_pb2.DiffResponse:
        with one_line(context):
            changes = rule_inputs.changes(
                decode(request.olds), decode(request.news), request.ignoreChanges
            )
            if _retires(request.urn):
                changes = [replace(change, replaces=True) for change in changes]
                return _difference(changes)
            self._claims.hold(request.id, request.urn)
            if self._claims.adopted_by_other(request.id, request.urn):
                # Its rule has another owner: it needs one of its own.
                changes = [replace(change, replaces=True) for change in changes]
            elif any(change.name == rule_inputs.RULE for change in changes):
                self._claims.leave(request.id, request.urn)
            return _difference(changes)

    def Create(
        self, request: provider_pb2.CreateRequest, context: Context
    ) -> provider_pb2.CreateResponse:
        with one_line(context):
            given, say = decode(request.properties), self._say(request.urn)
            retires = _retires(request.urn)
            if request.preview:
                outputs = retired_rule.previewed(given) if retires else previewed(given, {})
                return provider_pb2.CreateResponse(properties=encode(outputs))
            if retires:
                made, outputs = self._retired().create(given, say)
            else:
                made, outputs = self._rules().create(request.urn, given, say)
            return provider_pb2.CreateResponse(id=made, properties=encode(outputs))

    def Read(
        self, request: provider_pb2.ReadRequest, context: Context
    ) -> provider_pb2.ReadResponse:
        """The rule as it is; nothing when a refresh finds it gone."""
        with one_line(context):
            state, inputs = decode(request.properties), decode(request.inputs)
            known = {**state, **inputs}
            if _retires(request.urn):
                return self._read_retired(request, state)
            rule = self._rules().read(request.urn, request.id, known)
            if rule is None and not known:
                raise ProviderError(
                    f"there is no rule {request.id} to import: "
                    "`cb network list-firewall-rules` shows those there are"
                )
            if rule is None:
                return provider_pb2.ReadResponse()
            outputs, read_inputs = rule
            return provider_pb2.ReadResponse(
                id=request.id, properties=encode(outputs), inputs=encode(read_inputs)
            )

    def Update(
        self, request: provider_pb2.UpdateRequest, context: Context
    ) -> provider_pb2.UpdateResponse:
        with one_line(context):
            state, given = decode(request.olds), decode(request.news)
            if request.preview:
                outputs = previewed(given, state)
            else:
                outputs = self._rules().update(request.urn, request.id, state, given)
            return provider_pb2.UpdateResponse(properties=encode(outputs))

    def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> empty_pb2.Empty:
        with one_line(context):
            if _retires(request.urn):
                # What is retired stays so: there is nothing to give back.
                return empty_pb2.Empty()
            self._rules().delete(request.urn, request.id, self._say(request.urn))
            return empty_pb2.Empty()

    def Invoke(
        self, request: provider_pb2.InvokeRequest, context: Context
    ) -> provider_pb2.InvokeResponse:
        with one_line(context):
            if request.tok != GET_RULES:
                raise ProviderError(f"there is no function {request.tok!r}, only {GET_RULES}")
            network_id = decode(request.args).get("networkId", Property()).text
            if not is_eid(network_id):
                raise ProviderError(f"{GET_RULES}: networkId {network_id!r} is not a network's id")
            rules = [
                {"id": rule.id, "rule": rule.cidr, "kind": rule.kind}
                | ({"description": rule.description} if rule.description else {})
                for rule in self._configured().rules(network_id).values()
            ]
            result = property_value.encode({"rules": rules})
            # `return` is a keyword, so it cannot be written as an argument's name.
            return provider_pb2.InvokeResponse(**{"return": result})  # type: ignore[arg-type]

    def _rules(self) -> FirewallRules:
        return FirewallRules(self._configured(), self._claims)

    def _retired(self) -> RetiredRules:
        return RetiredRules(self._configured(), self._claims)

    def _configured(self) -> Listing:
        if self._listing is None:
            raise ProviderError(self._why_not)
        return self._listing

    def _read_retired(
        self, request: provider_pb2.ReadRequest, state: Mapping[str, Property]
    ) -> provider_pb2.ReadResponse:
        if not state:
            raise ProviderError("a retired rule cannot be imported: there is nothing to read")
        if not self._retired().is_done(state):
            # It has come back: to be retired once more.
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    def _check_overlap(self, urn: str, inputs: Mapping[str, Property]) -> list[rule_inputs.Failure]:
        network, rule = inputs[rule_inputs.NETWORK_ID], inputs[rule_inputs.RULE]
        kind = inputs[rule_inputs.KIND]
        if network.unknown or rule.unknown or kind.unknown:
            return []
        wanted = FirewallRule(
            id="",
            network_id=network.text,
            team_id="",
            cidr=rule.text,
            kind=kind.text,
            description=None,
        )
        other = self._claims.want(urn, wanted)
        if other is None:
            return []
        name = parsed(other).name
        shown = "the secret rule" if rule.secret else rule.text
        reason = f"'rule': {shown} overlaps that of {name!r}, and rules cannot overlap: keep one"
        return [rule_inputs.Failure(rule_inputs.RULE, reason)]


def _detail(change: rule_inputs.Change) -> provider_pb2.PropertyDiff:
    if not change.before.given:
        kind = _KIND.ADD_REPLACE if change.replaces else _KIND.ADD
    elif not change.after.given:
        kind = _KIND.DELETE_REPLACE if change.replaces else _KIND.DELETE
    else:
        kind = _KIND.UPDATE_REPLACE if change.replaces else _KIND.UPDATE
    return provider_pb2.PropertyDiff(kind=kind, inputDiff=True)


def _difference(changes: list[rule_inputs.Change]) -> provider_pb2.DiffResponse:
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if changes else response.DIFF_NONE,
        diffs=[change.name for change in changes],
        replaces=[change.name for change in changes if change.replaces],
        detailedDiff={change.name: _detail(change) for change in changes},
        hasDetailedDiff=True,
        # Always, also when a user asks for the replacement: rules cannot overlap.
        deleteBeforeReplace=True,
    )


def _retires(urn: str) -> bool:
    """Whether the resource is a retired rule; raises ProviderError for a type there is not."""
    token = parsed(urn).type
    if token not in (TYPE_NAME, retired_rule.TYPE_NAME):
        raise ProviderError(
            f"there is no resource type {token!r}, only {TYPE_NAME} and {retired_rule.TYPE_NAME}"
        )
    return token == retired_rule.TYPE_NAME
