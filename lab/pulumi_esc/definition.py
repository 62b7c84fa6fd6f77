"""An environment's definition in YAML, and what it evaluates to.

Read from `pulumi/esc` v0.14.3 (`eval/value.go`: how values are exported). Evaluated here: plain
values, lists, maps and `fn::secret`. A definition with anything else is refused, not misread.
"""

from __future__ import annotations

from typing import Any

import yaml

_SECRET = "fn::secret"  # noqa: S105 - a function's name
_SECTIONS = {"values", "imports"}


class DefinitionError(Exception):
    """The definition is refused; `path` says where. Never holds a value of it."""

    def __init__(self, path: str, summary: str) -> None:
        super().__init__(f"{path}: {summary}" if path else summary)
        self.path = path
        self.summary = summary

    def diagnostic(self) -> dict[str, str]:
        """As the API's `EnvironmentDiagnostic`."""
        return {"summary": self.summary, **({"path": self.path} if self.path else {})}


def evaluate(text: str) -> dict[str, Any]:
    """The environment's properties by name, each a `Value` of the API; raises DefinitionError."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise DefinitionError("", f"the definition is no YAML{where}") from None
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise DefinitionError("", "the definition must be a map")
    unknown = sorted(str(key) for key in set(document) - _SECTIONS)
    if unknown:
        raise DefinitionError(unknown[0], "unknown key: use imports and values")
    if document.get("imports"):
        raise DefinitionError("imports", "imports are not evaluated by this stand-in")
    values = document.get("values") or {}
    if not isinstance(values, dict):
        raise DefinitionError("values", "must be a map")
    return {
        _name(key, "values"): _value(each, f"values.{key}", secret=False)
        for key, each in values.items()
    }


def _value(plain: object, path: str, *, secret: bool) -> dict[str, Any]:
    """The API's `Value`: a map of them for a map, a list of them for a list."""
    value: object
    if isinstance(plain, dict):
        functions = [key for key in plain if isinstance(key, str) and key.startswith("fn::")]
        if functions:
            if list(plain) != [_SECRET]:
                raise DefinitionError(path, f"{functions[0]} is not evaluated by this stand-in")
            return _value(plain[_SECRET], path, secret=True)
        value = {_name(k, path): _value(v, f"{path}.{k}", secret=secret) for k, v in plain.items()}
    elif isinstance(plain, list):
        value = [_value(v, f"{path}[{n}]", secret=secret) for n, v in enumerate(plain)]
    elif plain is None or isinstance(plain, (str, int, float, bool)):
        if isinstance(plain, str) and "${" in plain and not secret:
            raise DefinitionError(path, "interpolation is not evaluated by this stand-in")
        value = plain
    else:
        raise DefinitionError(path, f"a {type(plain).__name__} is no value: write it in quotes")
    # The client refuses fields it does not know; `trace` must be there and may be empty.
    return {"value": value, "trace": {}, **({"secret": True} if secret else {})}


def _name(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise DefinitionError(path, f"the name {key!r} must be text: write it in quotes")
    return key
