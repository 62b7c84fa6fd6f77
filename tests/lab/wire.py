"""What a plugin answers on the wire, as plain data: the same for every run."""

import re
from typing import Any

from pulumi.runtime.proto import provider_pb2

from providers.plugin.property_value import UNKNOWN, Secret, decode, encode
from tests.lab.stand_in_processes import Plugin

# What differs from run to run, by its form; the first that fits is used.
_PASSING = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"tskey-[a-z]+-[\w-]+", "(secret)"),
        (r"\bk\w{11}CNTRL\b", "(key)"),
        (r"\bn\w+CNTRL\b", "(device)"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "(uuid)"),
        (r"\b20\d\d-\d\d-\d\dT[\d:]+Z", "(time)"),
        (r"\bthing[0-9a-f]+\b", "(id)"),
        (r"\b(mkey|nodekey):[0-9a-f]{64}", r"(\1)"),
        (r"\b100\.[\d.]+|\bfd7a:[0-9a-f:]+", "(address)"),
    )
)


def plain(value: Any) -> Any:
    """A property value as data: marks as texts and objects, passing values by their names."""
    if value is UNKNOWN:
        return "(unknown)"
    if isinstance(value, Secret):
        return {"(a secret)": plain(value.value)}
    if isinstance(value, dict):
        return {name: plain(item) for name, item in sorted(value.items())}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        for pattern, name in _PASSING:
            value = pattern.sub(name, value)
    return value


class Wire:
    """A plugin of which every answer is kept, under the name that the caller gives it."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self.answers: dict[str, Any] = {}

    def check_config(self, provider: str, settings: dict[str, Any]) -> None:
        request = provider_pb2.CheckRequest(
            urn=self.plugin.urn(f"pulumi:providers:{provider}"), news=encode(settings)
        )
        answer = self.plugin.stub.CheckConfig(request)
        self.answers["settings"] = plain(decode(answer.inputs))

    def check(self, name: str, type_name: str, inputs: dict[str, Any]) -> None:
        answer = self.plugin.checked(type_name, inputs)
        assert not answer.failures
        self.answers[name] = {"inputs": plain(decode(answer.inputs))}

    def diff(self, name: str, type_name: str, *request: Any) -> None:
        answer = self.plugin.compared(type_name, *request)
        kinds = provider_pb2.PropertyDiff.Kind
        self.answers[name] = {
            "changes": provider_pb2.DiffResponse.DiffChanges.Name(answer.changes),
            "diffs": sorted(answer.diffs),
            "replaces": sorted(answer.replaces),
            "detailed": {
                place: kinds.Name(change.kind)
                for place, change in sorted(answer.detailedDiff.items())
            },
        }

    def create(
        self, name: str, type_name: str, inputs: dict[str, Any], *, preview: bool = False
    ) -> tuple[str, dict[str, Any]]:
        resource_id, state = self.plugin.create(type_name, preview=preview, **inputs)
        self.answers[name] = {"id": plain(resource_id), "state": plain(state)}
        return resource_id, state

    def read(self, name: str, *request: Any) -> None:
        answer = self.plugin.read(*request)
        self.answers[name] = dict(zip(("id", "state", "inputs"), map(plain, answer), strict=True))

    def update(
        self, name: str, *resource: Any, inputs: dict[str, Any], preview: bool = False
    ) -> dict[str, Any]:
        after = self.plugin.update(*resource, preview=preview, **inputs)
        self.answers[name] = {"state": plain(after)}
        return after

    def delete(self, name: str, *resource: Any) -> None:
        self.plugin.delete(*resource)
        self.answers[name] = "deleted"

    def invoke(self, name: str, function: str, args: dict[str, Any]) -> None:
        self.answers[name] = plain(self.plugin.invoke(function, **args))
