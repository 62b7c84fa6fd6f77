"""YAML as PyYAML's safe loader on libyaml reads it, but quicker; a key twice is refused.

What PyYAML does in Python for every node is most of the time that manifests take. Here plain
documents (mappings with scalar keys, lists, strings, numbers, booleans, null, dates) are built by
one function, and the tag of a plain scalar that was seen before is remembered. Whatever else YAML
has is left to PyYAML itself; a test compares the two.
"""

from typing import Any

import yaml

_PREFIX = "tag:yaml.org,2002:"
_STR, _MAP, _SEQ = f"{_PREFIX}str", f"{_PREFIX}map", f"{_PREFIX}seq"
_SCALARS = frozenset(f"{_PREFIX}{name}" for name in ("bool", "float", "int", "null", "timestamp"))
_KEYS = _SCALARS | {_STR}
# Bounds for what is remembered: memory must not grow with what is scanned.
_MOST_REMEMBERED = 20_000
_LONGEST_REMEMBERED = 64
TWICE = "a key stands twice in one mapping"


class _UncommonError(Exception):
    """A node that only PyYAML itself knows how to build."""


class Loader(yaml.CSafeLoader):
    """The C parser with quicker building. Raises PyYAML's errors."""

    _tags: dict[str, str] = {}  # noqa: RUF012 - shared by all documents on purpose

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:  # noqa: ANN401 - PyYAML's signature
        """The tag of a node, as PyYAML's own method gives it."""
        if kind is yaml.ScalarNode and implicit[0]:
            tag = self._tags.get(value)
            if tag is None:
                tag = str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]
                if len(self._tags) < _MOST_REMEMBERED and len(value) <= _LONGEST_REMEMBERED:
                    self._tags[value] = tag
            return tag
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]

    def descend_resolver(self, parent: object, index: object) -> None:
        """Nothing: the safe loader resolves no tag by where a node stands."""

    def ascend_resolver(self) -> None:
        """Nothing, as above."""

    def construct_document(self, node: yaml.Node) -> Any:  # noqa: ANN401 - a document may be anything
        """The document under a node. Raises ConstructorError."""
        try:
            return self._built(node, {})
        except (_UncommonError, RecursionError):
            return super().construct_document(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """A mapping that PyYAML itself builds. Raises ConstructorError for a key twice."""
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            _refuse_twice(node)
        return mapping

    def _built(self, node: yaml.Node, made: dict[int, object]) -> object:
        """The value of a node; `made` holds what collections have become, which aliases share."""
        tag = node.tag
        if tag == _STR and type(node) is yaml.ScalarNode:
            return node.value
        if tag == _MAP and type(node) is yaml.MappingNode:
            if id(node) in made:
                return made[id(node)]
            mapping: dict[object, object] = {}
            made[id(node)] = mapping  # before its parts, because one of them may be itself
            for key, value in node.value:
                if key.tag not in _KEYS or type(key) is not yaml.ScalarNode:
                    raise _UncommonError
                name = key.value if key.tag == _STR else self._built(key, made)
                mapping[name] = (
                    value.value
                    if value.tag == _STR and type(value) is yaml.ScalarNode
                    else self._built(value, made)
                )
            if len(mapping) < len(node.value):
                _refuse_twice(node)
            return mapping
        if tag == _SEQ and type(node) is yaml.SequenceNode:
            if id(node) in made:
                return made[id(node)]
            listed: list[object] = []
            made[id(node)] = listed
            listed.extend(self._built(entry, made) for entry in node.value)
            return listed
        if tag in _SCALARS and type(node) is yaml.ScalarNode:
            constructor = self.yaml_constructors[tag]
            return constructor(self, node)
        raise _UncommonError


def _refuse_twice(node: yaml.MappingNode) -> None:
    start, end = node.start_mark.index, node.end_mark.index
    seen: set[object] = set()
    for key, _ in node.value:
        # What << merges in stands elsewhere, and may well be overridden.
        if start <= key.start_mark.index < end and isinstance(key, yaml.ScalarNode):
            if (key.tag, key.value) in seen:
                raise yaml.constructor.ConstructorError(None, None, TWICE, key.start_mark)
            seen.add((key.tag, key.value))
