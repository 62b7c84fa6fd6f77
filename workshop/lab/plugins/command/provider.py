"""The provider: `command:local:Command` and `command:local:run`."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from lab.plugins.command.execution import LOGGING_MODES, execute
from lab.plugins.property_value import UNKNOWN, has_unknown
from lab.plugins.provider import BadArgumentsError, Function, Provider
from lab.plugins.resource_kind import Field, Operation, ResourceKind, failures
from provider_plugin.errors import ProviderError
from provider_plugin.urn import parsed

_STREAMS = {"stdout": "string", "stderr": "string"}
_BASE = {
    "addPreviousOutputInEnv": Field(kind="boolean"),
    "archivePaths": Field(kind="array"),
    "assetPaths": Field(kind="array"),
    "dir": Field(kind="string"),
    "environment": Field(kind="object"),
    "interpreter": Field(kind="array"),
    "logging": Field(kind="string"),
    "stdin": Field(kind="string"),
}


class Command(ResourceKind):
    """A command for each step of a resource's life. There is nothing to read back."""

    type_name = "command:local:Command"
    fields = _BASE | {
        "create": Field(kind="string"),
        "update": Field(kind="string"),
        "delete": Field(kind="string"),
        # The SDK's own resource replaces when an item changes.
        "triggers": Field(kind="any", replaces=True, replaces_inside=False),
    }
    outputs = _STREAMS

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def refuse(self, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The modes of logging, and what the stand-in does not do."""
        return _refuse(inputs)

    def new_id(self, urn: str) -> str:
        """The resource's name and eight hexadecimal digits, in a preview too."""
        return f"{parsed(urn).name}{secrets.token_hex(4)}"

    def create(self, inputs: Mapping[str, Any], operation: Operation) -> tuple[str, dict[str, Any]]:
        """Run `create`, if there is one."""
        command = inputs.get("create")
        return self.new_id(operation.urn), self._run(command, inputs, {}, operation)

    def read(self, resource_id: str, state: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """A command has run or it has not; an import would know nothing of it."""
        if not state:
            raise ProviderError("command:local:Command cannot be imported")
        return resource_id, dict(state)

    def unknown_in_update(
        self, state: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> Collection[str]:
        """What it prints, where an input that there was has changed or is unknown."""
        changed = any(
            has_unknown(inputs.get(name)) or (name in state and state[name] != inputs.get(name))
            for name in self.fields
        )
        return _STREAMS if changed else ()

    def update(
        self,
        resource_id: str,
        state: Mapping[str, Any],
        inputs: Mapping[str, Any],
        operation: Operation,
    ) -> dict[str, Any]:
        """Run `update`, or `create` where there is none."""
        del resource_id
        command = inputs.get("update")
        command = inputs.get("create") if command is None else command
        return self._run(command, inputs, state, operation)

    def delete(self, resource_id: str, state: Mapping[str, Any], operation: Operation) -> None:
        """Run `delete`, if there is one."""
        del resource_id
        self._run(state.get("delete"), state, state, operation)

    def _run(
        self,
        command: str | None,
        inputs: Mapping[str, Any],
        previous: Mapping[str, Any],
        operation: Operation,
    ) -> dict[str, Any]:
        if command is None:
            return {name: previous.get(name, "") for name in _STREAMS}
        return dict(
            execute(
                command,
                inputs,
                previous,
                log=operation.log,
                cancelled=self._provider.cancelled,
            )
        )


class CommandProvider(Provider):
    """Local commands; a remote one is refused."""

    name = "command"
    version = "1.2.1"
    notice = "stand-in for the command provider 1.2.1: local commands only."
    # Of the library that the real one is made with.
    config_defaults: ClassVar[Mapping[str, str]] = {"__pulumi-go-provider-version": "1.2.0"}

    def configure(self, config: Mapping[str, Any]) -> None:
        """There is nothing to set."""
        del config
        self.refuse_outside_a_lab()

    def kinds(self) -> tuple[ResourceKind, ...]:
        """One."""
        return (Command(self),)

    def functions(self) -> Mapping[str, Function]:
        """By token."""
        return {"command:local:run": self._run}

    def _run(self, args: dict[str, Any], operation: Operation) -> dict[str, Any]:
        fields = _BASE | {"command": Field(kind="string", required=True)}
        problems = failures(fields, args) or _refuse(args)
        if problems:
            raise BadArgumentsError(problems)
        streams = execute(
            args["command"],
            args,
            {},
            log=operation.log,
            cancelled=self.cancelled,
        )
        return args | streams


def _refuse(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [
        (name, f"the stand-in for the command provider has no {name!r}")
        for name in ("assetPaths", "archivePaths")
        if inputs.get(name) is not None
    ]
    if inputs.get("logging") not in (None, UNKNOWN, *LOGGING_MODES):
        found.append(("logging", f"must be one of {sorted(LOGGING_MODES)}"))
    return found
