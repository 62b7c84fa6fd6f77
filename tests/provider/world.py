"""The provider's own code between a small model of the engine and the stand-in, in one process."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import grpc
import httpx
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from providers.crunchybridge.client import CrunchyBridgeClient
from providers.crunchybridge.pace import Clock
from providers.crunchybridge.provider import Provider
from providers.plugin.property_value import encode
from workshop.lab.crunchybridge_api.app import make_app
from workshop.lab.crunchybridge_api.team import Team
from workshop.lab.faults import ConnectionCutError, Faults
from workshop.lab.journal import Journal


class Killed(BaseException):
    """The provider and the engine were killed in the middle of a request."""


class FailedError(Exception):
    """The provider refused; the text is what a user reads."""


class Wire(httpx.BaseTransport):
    """Carries requests to the stand-in's application; a kill can be ordered for one of them."""

    def __init__(self, team: Team, key: str, faults: Faults, journal: Journal) -> None:
        self._inner = httpx.WSGITransport(app=make_app(team, key, faults, journal))
        self.kill_after_requests: int | None = None
        self.kill_applies = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The stand-in's answer; a cut connection is an error as on a real wire."""
        killed = self.kill_after_requests == 0
        if self.kill_after_requests is not None:
            self.kill_after_requests -= 1
        if killed and not self.kill_applies:
            raise Killed
        try:
            response = self._inner.handle_request(request)
        except ConnectionCutError:
            raise httpx.ReadError("connection cut", request=request) from None
        if killed:
            raise Killed
        return response


class Time:
    """A clock that waiting moves on at once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waited: list[float] = []

    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, wait=self._wait, spread=lambda: 1.0)

    def _wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.seconds += seconds
        return False


class Context:
    """Stands where gRPC has the call's context: an abort ends the call."""

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        assert code is grpc.StatusCode.UNKNOWN
        assert "\n" not in details
        raise FailedError(details)


@dataclass
class Held:
    id: str
    inputs: struct_pb2.Struct
    outputs: struct_pb2.Struct


class World:
    """A stand-in, and an engine's state that outlives engines and providers."""

    def __init__(self, *networks: str) -> None:
        self.key = "cbkey_" + "x" * 8
        self.team = Team(None, networks)
        self.faults, self.journal, self.time = Faults(), Journal(), Time()
        self.wire = Wire(self.team, self.key, self.faults, self.journal)
        self.state: dict[str, Held] = {}
        self.ever_held: set[str] = set()

    @cached_property
    def client(self) -> CrunchyBridgeClient:
        return CrunchyBridgeClient(
            api_key=self.key,
            url="http://127.0.0.1:1",
            clock=self.time.clock(),
            transport=self.wire,
        )

    def provider(self) -> Provider:
        provider = Provider(
            clock=self.time.clock(),
            transport=self.wire,
            environment={"CRUNCHY_API_KEY": self.key},
        )
        provider.Configure(provider_pb2.ConfigureRequest(), _context())
        return provider

    def up(self, program: Mapping[str, Mapping[str, Any]]) -> None:
        """One `up --refresh`, as the engine does it; raises FailedError or Killed.

        Reads all it holds, then per resource of the program Check, Diff and what it says, and
        last deletes what the program has no more. The state is true after every step.
        """
        provider = self.provider()
        for name in list(self.state):
            self._refresh(provider, name)
        for name, fields in program.items():
            self._step(provider, name, fields)
        for name in [each for each in self.state if each not in program]:
            self._delete(provider, name)

    def _refresh(self, provider: Provider, name: str) -> None:
        held = self.state[name]
        request = provider_pb2.ReadRequest(
            id=held.id, urn=urn(name), properties=held.outputs, inputs=held.inputs
        )
        read = provider.Read(request, _context())
        if not read.id:
            del self.state[name]
            return
        # The engine asks for the difference of a refresh as well.
        provider.Diff(
            provider_pb2.DiffRequest(
                id=held.id, urn=urn(name), olds=read.properties, news=held.inputs
            ),
            _context(),
        )
        self._hold(name, read.id, read.inputs, read.properties)

    def _step(self, provider: Provider, name: str, fields: Mapping[str, Any]) -> None:
        checked = provider.Check(
            provider_pb2.CheckRequest(urn=urn(name), news=encode(dict(fields))), _context()
        )
        if checked.failures:
            raise FailedError("; ".join(each.reason for each in checked.failures))
        held = self.state.get(name)
        if held is not None:
            diff = provider.Diff(
                provider_pb2.DiffRequest(
                    id=held.id,
                    urn=urn(name),
                    olds=held.outputs,
                    old_inputs=held.inputs,
                    news=checked.inputs,
                ),
                _context(),
            )
            if diff.changes == diff.DIFF_NONE:
                held.inputs = checked.inputs
                return
            if not diff.replaces:
                self._update(provider, name, checked.inputs)
                return
            assert diff.deleteBeforeReplace
            self._delete(provider, name)
        made = provider.Create(
            provider_pb2.CreateRequest(urn=urn(name), properties=checked.inputs), _context()
        )
        self._hold(name, made.id, checked.inputs, made.properties)

    def _update(self, provider: Provider, name: str, inputs: struct_pb2.Struct) -> None:
        held = self.state[name]
        request = provider_pb2.UpdateRequest(
            id=held.id, urn=urn(name), olds=held.outputs, old_inputs=held.inputs, news=inputs
        )
        changed = provider.Update(request, _context())
        self._hold(name, held.id, inputs, changed.properties)

    def _delete(self, provider: Provider, name: str) -> None:
        held = self.state[name]
        request = provider_pb2.DeleteRequest(
            id=held.id, urn=urn(name), properties=held.outputs, old_inputs=held.inputs
        )
        provider.Delete(request, _context())
        del self.state[name]

    def _hold(
        self, name: str, given_id: str, inputs: struct_pb2.Struct, outputs: struct_pb2.Struct
    ) -> None:
        self.state[name] = Held(given_id, copy.deepcopy(inputs), copy.deepcopy(outputs))
        self.ever_held.add(given_id)


def urn(name: str) -> str:
    """Of a firewall rule."""
    return f"urn:pulumi:test::reef::crunchybridge:index:FirewallRule::{name}"


def _context() -> Any:
    return Context()
