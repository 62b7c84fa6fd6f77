"""Reads the stack's configuration and turns what is wrong with it into one line each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from settings.esc_access import TOKEN_KEY
from settings.lab_copy import require_current_copy
from settings.models import Settings

_PROJECT = "oceanid-cluster"

# What must never be repeated in a message, should somebody have put it into the wrong key.
_SECRET_LOOK = re.compile(
    r"tskey-|cbkey_|pul-[0-9a-f]|AKIA|BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]+:[^/\s@]+@"
)
_LONGEST_VALUE = 80

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


def load() -> Settings:
    """The settings of the running stack.

    Raises pulumi.RunError, which the engine shows without a traceback, with one line for each
    setting that is wrong.
    """
    require_current_copy()
    found = {**get_config_env(), **CONFIG.get()}
    own = {key: value for key, value in found.items() if key.startswith(f"{_PROJECT}:")}
    secret = {key.partition(":")[2] for key in own if is_config_secret(key)}
    try:
        return parse({key.partition(":")[2]: value for key, value in own.items()}, secret)
    except ValueError as error:
        lines = [f"{_PROJECT}:{line}" for line in str(error).splitlines()]
        raise pulumi.RunError("\n".join(lines)) from None


def parse(config: Mapping[str, str], secret: set[str] | None = None) -> Settings:
    """Settings from config values as the engine gives them: JSON for mappings and lists.

    Raises ValueError with a line for each wrong setting: key, value, rule, remedy. The values of
    the keys in `secret` are not shown.
    """
    if TOKEN_KEY in config and TOKEN_KEY not in (secret or set()):
        raise ValueError(
            f"{TOKEN_KEY}: not encrypted: take it out, revoke the token, and keep the new one with "
            f"pulumi config set --secret {TOKEN_KEY}"
        )
    decoded = {key: _decoded(value) for key, value in config.items() if key != TOKEN_KEY}
    try:
        return Settings.model_validate_json(json.dumps(decoded))
    except ValidationError as error:
        lines = [_line(each, secret or set()) for each in error.errors(include_url=False)]
        raise ValueError("\n".join(lines)) from None


def document(settings: Settings) -> str:
    """The settings as one JSON object, for programs that run beside the engine.

    `parse` takes its values back. It holds nothing secret: no setting does.
    """
    return settings.model_dump_json(by_alias=True)


def with_api_servers(settings: Settings, endpoints: Iterable[str]) -> Settings:
    """The settings as they were with these for `cluster.apiServer`, such as `203.0.113.10:6443`.

    Raises ValueError with a line for each rule that they break, as `parse` does.
    """
    whole = json.loads(document(settings))
    whole["cluster"]["apiServer"] = list(endpoints)
    return parse({key: json.dumps(value) for key, value in whole.items()})


def read_file(path: Path) -> Settings:
    """The settings of a stack's configuration file, for use without the engine.

    Raises ValueError with a line for each wrong setting, as `parse` does.
    """
    found = yaml.safe_load(path.read_text()) or {}
    config = {
        # A date that is not in quotes is YAML's own kind of value.
        str(key).partition(":")[2]: each if isinstance(each, str) else json.dumps(each, default=str)
        for key, each in (found.get("config") or {}).items()
        if str(key).startswith(f"{_PROJECT}:") and not _is_encrypted(each)
    }
    return parse(config)


def check_file(path: Path) -> list[str]:
    """A line for each wrong setting in a stack's configuration file, none when all are right.

    For use before the engine runs: its own check of types stops at the first, without a remedy.
    """
    try:
        read_file(path)
    except ValueError as error:
        return [f"{_PROJECT}:{line}" for line in str(error).splitlines()]
    return []


def _is_encrypted(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _decoded(value: str) -> Any:  # noqa: ANN401  whatever JSON holds
    try:
        return json.loads(value)
    except ValueError:
        return value


def _line(error: ErrorDetails, secret: set[str]) -> str:
    context = error.get("ctx", {})
    key = context.get("key") or _key(error["loc"])
    value = _shown(context.get("value", error["input"]), hidden=str(key).split(".")[0] in secret)
    shown = "" if error["type"] == "missing" else f" = {value}"
    if error["type"] == "setting":
        rule, remedy = context["rule"], context["remedy"]
    else:
        rule, remedy = _REMEDIES.get(error["type"], (error["msg"], "correct the value"))
    return f"{key}{shown}: {rule}: {remedy.format(**context)}"


def _key(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _shown(value: object, *, hidden: bool) -> str:
    text = json.dumps(value, default=str)
    if hidden or _SECRET_LOOK.search(text):
        return "[secret]"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
