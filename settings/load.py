"""Turns a stack's configuration into settings, and what is wrong with it into one line each."""

import json
import sys
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from components.secrets.synced import TOKEN_KEY
from settings.lab_copy import require_current_copy
from settings.models import Settings
from settings.renamed import Warn, current, shown

_PROJECT = "oceanid-cluster"

_REMEDIES = {
    "missing": ("is required", "add it; Pulumi.dev.yaml has an example"),
    "extra_forbidden": ("unknown key", "remove it or correct its spelling"),
    "enum": ("not one of the choices", "use {expected}"),
    "string_type": ("not a string", "put it in quotes"),
    "bool_type": ("not a boolean", "write true or false, without quotes"),
    "int_type": ("not a whole number", "write a number without quotes"),
    "tuple_type": ("not a list", "write it as a YAML list"),
    "model_type": ("not a mapping", "write it as a YAML mapping; Pulumi.dev.yaml has an example"),
    "string_too_short": ("empty", "give a value"),
}


@cache
def _warn_once(line: str) -> None:
    # A command reads its stack's file several times.
    print(f"warning: {line}", file=sys.stderr)


def load(config: Mapping[str, str], secret: Collection[str], warn: Warn) -> Settings:
    """The settings of the running stack, from its configuration as `parse` takes it.

    Raises ValueError with one line for each setting that is wrong. `warn` gets a line for each key
    of an earlier release.
    """
    require_current_copy()
    try:
        return parse(config, secret, lambda line: warn(f"{_PROJECT}:{line}"))
    except ValueError as error:
        raise ValueError("\n".join(_with_project(error))) from None


def parse(
    config: Mapping[str, str], secret: Collection[str] = (), warn: Warn = _warn_once
) -> Settings:
    """Settings from config values as the engine gives them: JSON for mappings and lists.

    Raises ValueError with a line for each wrong setting: key, value, rule, remedy. The values of
    the keys in `secret` are not shown.
    """
    if TOKEN_KEY in config and TOKEN_KEY not in secret:
        raise ValueError(
            f"{TOKEN_KEY}: not encrypted: take it out, revoke the token, and keep the new one with "
            f"pulumi config set --secret {TOKEN_KEY}"
        )
    decoded = {key: _decoded(value) for key, value in config.items() if key != TOKEN_KEY}
    try:
        return Settings.model_validate_json(
            json.dumps(current(decoded, warn, secret)), by_name=False
        )
    except ValidationError as error:
        lines = [_line(each, secret) for each in error.errors(include_url=False)]
        raise ValueError("\n".join(lines)) from None


def document(settings: Settings) -> str:
    """The settings as one JSON object, for programs that run next to the engine.

    `parse` takes its values back. It holds nothing secret: no setting does.
    """
    return settings.model_dump_json(by_alias=True)


def with_api_servers(settings: Settings, endpoints: Iterable[str]) -> Settings:
    """The settings with these for `cluster.apiServer`, such as `203.0.113.10:6443`.

    Raises ValueError with a line for each rule that they break, as `parse` does.
    """
    whole = json.loads(document(settings))
    whole["cluster"]["apiServer"] = list(endpoints)
    return parse({key: json.dumps(value) for key, value in whole.items()})


def read_file(path: Path) -> Settings:
    """The settings of a stack's configuration file, for use without the engine.

    Raises ValueError with a line for each wrong setting, as `parse` does.
    """
    entries = (yaml.safe_load(path.read_text()) or {}).get("config") or {}
    config = {
        # A date that is not in quotes is YAML's own kind of value.
        str(key).partition(":")[2]: value
        if isinstance(value, str)
        else json.dumps(value, default=str)
        for key, value in entries.items()
        if str(key).startswith(f"{_PROJECT}:") and not _is_encrypted(value)
    }
    return parse(config)


def check_file(path: Path) -> list[str]:
    """A line for each wrong setting in a stack's configuration file, none when all are right.

    For use before the engine runs: its own check of types stops at the first, without a remedy.
    """
    try:
        read_file(path)
    except ValueError as error:
        return _with_project(error)
    return []


def _with_project(error: ValueError) -> list[str]:
    return [f"{_PROJECT}:{line}" for line in str(error).splitlines()]


def _is_encrypted(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _decoded(value: str) -> Any:  # noqa: ANN401  whatever JSON holds
    try:
        return json.loads(value)
    except ValueError:
        return value


def _line(error: ErrorDetails, secret: Collection[str]) -> str:
    context = error.get("ctx", {})
    key = context.get("key") or _key(error["loc"])
    value = shown(context.get("value", error["input"]), hidden=str(key).split(".")[0] in secret)
    equals = "" if error["type"] == "missing" else f" = {value}"
    if error["type"] == "setting":
        rule, remedy = context["rule"], context["remedy"]
    else:
        rule, remedy = _REMEDIES.get(error["type"], (error["msg"], "correct the value"))
    return f"{key}{equals}: {rule}: {remedy.format(**context)}"


def _key(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")
