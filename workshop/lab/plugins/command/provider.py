"""The provider: `command:local:Command` and `command:local:run`."""

import secrets
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, ClassVar

from providers.plugin.errors import ProviderError
from providers.plugin.property_value import UNKNOWN, has_unknown
from providers.plugin.urn import parsed
from workshop.lab.plugins.command.execution import LOGGING_MODES, execute
from workshop.lab.plugins.provider import BadArgumentsError, Function, Log, Provider
from workshop.lab.plugins.resource_kind import Field, ResourceKind, Values, failures
from workshop.toolchain.modules import STAND_IN_VERSIONS

_STREAMS = ("stdout", "stderr")
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

    def refuse(self, inputs: Values) -> list[tuple[str, str]]:
        """The modes of logging, and what the stand-in does not do."""
        return _refuse(inputs)

    def new_id(self) -> str:
        """The resource's name and eight hexadecimal digits, in a preview too."""
        return f"{parsed(self.urn).name}{secrets.token_hex(4)}"

    def create(self, inputs: Values) -> tuple[str, dict[str, Any]]:
        return self.new_id(), self._run(inputs.get("create"), inputs, {})

    def read(self, resource_id: str, state: Values) -> tuple[str, dict[str, Any]]:
        """A command has run or it has not; an import would know nothing of it."""
        if not state:
            raise ProviderError("command:local:Command cannot be imported")
        return resource_id, dict(state)

    def unknown_in_update(self, state: Values, inputs: Values) -> Collection[str]:
        """What it prints, where an input that there was has changed or is unknown."""
        changed = any(
            has_unknown(inputs.get(name)) or (name in state and state[name] != inputs.get(name))
            for name in self.fields
        )
        return _STREAMS if changed else ()

    def update(self, resource_id: str, state: Values, inputs: Values) -> dict[str, Any]:
        """Run `update`, or `create` where there is none."""
        command = inputs.get("update")
        return self._run(inputs.get("create") if command is None else command, inputs, state)

    def delete(self, resource_id: str, state: Values) -> None:
        self._run(state.get("delete"), state, state)

    def _run(self, command: str | None, inputs: Values, previous: Values) -> dict[str, Any]:
        if command is None:
            return {name: previous.get(name, "") for name in _STREAMS}
        cancelled = self._provider.cancelled
        return dict(execute(command, inputs, previous, log=self.log, cancelled=cancelled))


class CommandProvider(Provider):
    """Local commands; a remote one is refused."""

    name = "command"
    version = STAND_IN_VERSIONS[name]
    notice = f"stand-in for the command provider {version}: local commands only."
    # Of the library that the real one is made with.
    config_defaults: ClassVar[Mapping[str, str]] = {"__pulumi-go-provider-version": "1.2.0"}

    def configure(self, config: Mapping[str, Any]) -> None:
        """There is nothing to set."""
        self.refuse_outside_a_lab()

    def kinds(self) -> tuple[ResourceKind, ...]:
        return (Command(self),)

    def functions(self, log: Log) -> Mapping[str, Function]:
        return {"command:local:run": partial(self._run, log)}

    def _run(self, log: Log, args: dict[str, Any]) -> dict[str, Any]:
        fields = _BASE | {"command": Field(kind="string", required=True)}
        problems = failures(fields, args) or _refuse(args)
        if problems:
            raise BadArgumentsError(problems)
        return args | execute(args["command"], args, {}, log=log, cancelled=self.cancelled)


def _refuse(inputs: Values) -> list[tuple[str, str]]:
    problems = [
        (name, f"the stand-in for the command provider has no {name!r}")
        for name in ("assetPaths", "archivePaths")
        if inputs.get(name) is not None
    ]
    if inputs.get("logging") not in (None, UNKNOWN, *LOGGING_MODES):
        problems.append(("logging", f"must be one of {sorted(LOGGING_MODES)}"))
    return problems
