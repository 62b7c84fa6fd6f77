"""Where in a file a field stands: looked up only for findings, because it parses the file anew."""

from collections.abc import Iterator

import yaml

from policies.loader import Loader
from policies.manifests import Source, UnreadableError
from policies.rules._model import Path

Position = tuple[int, int]
_START: Position = (1, 1)


class Positions:
    """The nodes of one file, a document at a time: findings come in the order of documents."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._nodes: Iterator[yaml.Node | None] = iter(())
        self._number = -1
        self._node: yaml.Node | None = None

    def of(self, document: int, where: Path) -> Position:
        """Line and column, from 1, of a field; of what would hold it, where it is missing.

        `document` counts from 0. The start of the file where nothing better is known.
        """
        node = self._root_of(document)
        mark = _mark_of(node)
        for step in where:
            node, key = _child(node, step)
            if node is None:
                break
            mark = _mark_of(key or node)
        return mark

    def _root_of(self, document: int) -> yaml.Node | None:
        if self._number < 0 or document < self._number:
            self._nodes, self._number = _composed(self.source), -1
        try:
            while self._number < document:
                self._node = next(self._nodes, None)
                self._number += 1
        except (UnreadableError, yaml.YAMLError, ValueError, RecursionError):
            self._nodes, self._node, self._number = iter(()), None, document
        return self._node


def _composed(source: Source) -> Iterator[yaml.Node | None]:
    content = source.read()
    # In JSON a tab may indent; in YAML's reading of it only a space may.
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        content = content.replace(b"\t", b" ")
    yield from yaml.compose_all(content, Loader=Loader)


def _mark_of(node: yaml.Node | None) -> Position:
    return (node.start_mark.line + 1, node.start_mark.column + 1) if node else _START


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """The value under one step and, in a mapping, its key."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        inside = step < len(node.value)
        return (node.value[step], None) if inside else (None, None)
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if isinstance(key, yaml.ScalarNode) and key.value == step:
                return value, key
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                found = _merged(value, step)
                if found[0] is not None:
                    return found
    return None, None


def _merged(node: yaml.Node, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """What ``<<`` brings in, by one step of merging: a document can merge itself."""
    parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for part in parts:
        for key, value in part.value if isinstance(part, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.value == step:
                return value, key
    return None, None
