"""An environment's definition in YAML, and what it evaluates to.

Read from `pulumi/esc` v0.14.3 (`eval/value.go`: how values are exported). Evaluated here: plain
values, lists, maps and `fn::secret`. A definition with anything else is refused, not misread.
"""

from typing import Any

import yaml

_SECRET = "fn::secret"  # noqa: S105 - a function's name


class DefinitionError(Exception):
    """The definition is refused; `path` says where. Never holds a value of it."""

    def __init__(self, path: str, summary: str) -> None:
        super().__init__(f"{path}: {summary}" if path else summary)
        self.path = path
        self.summary = summary

    def diagnostic(self) -> dict[str, str]:
        """As the API's `EnvironmentDiagnostic`."""
        return {"summary": self.summary, **({"path": self.path} if self.path else {})}


def evaluate(text: str, environment: str = "") -> dict[str, Any]:
    """The environment's properties by name, each a `Value` of the API; raises DefinitionError.

    `environment` is its name, for the values' traces.
    """
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise DefinitionError("", f"the definition is not valid YAML{where}") from None
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise DefinitionError("", "the definition must be a map")
    sections = {str(_plain(key, "")): node for key, node in root.value}
    unknown = sorted(set(sections) - {"values"})
    if unknown:
        raise DefinitionError(unknown[0], "this stand-in evaluates nothing but values")
    values = sections.get("values")
    if values is None:
        return {}
    if not isinstance(values, yaml.MappingNode):
        raise DefinitionError("values", "must be a map")
    return _Evaluation(text, environment).properties(values, "values")


class _Evaluation:
    """One definition's values, with the places where they stand in its text."""

    def __init__(self, text: str, environment: str) -> None:
        self._text = text
        self._environment = environment

    def properties(
        self, node: yaml.MappingNode, path: str, *, secret: bool = False
    ) -> dict[str, Any]:
        return {
            name: self._value(value, f"{path}.{name}", secret=secret)
            for name, value in ((_name(key, path), value) for key, value in node.value)
        }

    def _value(self, node: yaml.Node, path: str, *, secret: bool) -> dict[str, Any]:
        """The API's `Value`: a map of them for a map, a list of them for a list."""
        value: object
        if isinstance(node, yaml.MappingNode):
            names = [_name(key, path) for key, _ in node.value]
            functions = [name for name in names if name.startswith("fn::")]
            if functions:
                if names != [_SECRET]:
                    reason = f"{functions[0]} is not evaluated by this stand-in"
                    raise DefinitionError(path, reason)
                return self._value(node.value[0][1], path, secret=True)
            value = self.properties(node, path, secret=secret)
        elif isinstance(node, yaml.SequenceNode):
            value = [
                self._value(item, f"{path}[{n}]", secret=secret)
                for n, item in enumerate(node.value)
            ]
        else:
            value = _plain(node, path)
            if isinstance(value, str) and "${" in value and not secret:
                raise DefinitionError(path, "interpolation is not evaluated by this stand-in")
        # The client refuses fields it does not know.
        known = {"value": value, "trace": {"def": self._range(node)}}
        return known | ({"secret": True} if secret else {})

    def _range(self, node: yaml.Node) -> dict[str, Any]:
        ends = {"begin": node.start_mark, "end": node.end_mark}
        return {
            "environment": self._environment,
            **{
                name: {
                    "line": mark.line + 1,
                    "column": mark.column + 1,
                    "byte": len(self._text[: mark.index].encode()),
                }
                for name, mark in ends.items()
            },
        }


def _plain(node: yaml.Node, path: str) -> str | int | float | bool | None:
    """A scalar's value, as JSON has it."""
    if isinstance(node, yaml.ScalarNode):
        plain = yaml.SafeLoader("").construct_object(node)
        if plain is None or isinstance(plain, (str, int, float, bool)):
            return plain
        raise DefinitionError(path, f"a {type(plain).__name__} is not a value: write it in quotes")
    raise DefinitionError(path, "must be a plain value")


def _name(node: yaml.Node, path: str) -> str:
    key = _plain(node, path)
    if not isinstance(key, str):
        raise DefinitionError(path, f"the name {key!r} must be text: write it in quotes")
    return key
