"""Where in a file a field stands: looked up only for findings, because it parses the file again."""

from collections.abc import Iterator

import yaml

from .loader import MERGE, NotYamlError, nodes
from .manifests import Source, UnreadableError, json_documents
from .rules._model import Path

Position = tuple[int, int]
_START: Position = (1, 1)
_NOTHING: tuple[None, Position] = (None, (0, 0))


class Positions:
    """The nodes of one file, a document at a time: findings come in the order of documents."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._nodes: Iterator[tuple[yaml.Node, Position]] = iter(())
        self._number = -1
        self._root: tuple[yaml.Node | None, Position] = _NOTHING
        # The pairs of each mapping by key: a mapping may hold as many findings as keys.
        self._pairs: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = {}

    def of(self, document: int, where: Path) -> Position:
        """Line and column, from 1, of a field; of what would hold it, where it is missing.

        `document` counts from 0. The start of the file where nothing better is known.
        """
        node, base = self._root_of(document)
        mark = _mark_of(node, base)
        for step in where:
            node, key = self._child(node, step)
            if node is None:
                break
            mark = _mark_of(key or node, base)
        return mark

    def _root_of(self, document: int) -> tuple[yaml.Node | None, Position]:
        if self._number < 0 or document < self._number:
            self._nodes, self._number = _composed(self.source), -1
        try:
            while self._number < document:
                self._root = next(self._nodes, _NOTHING)
                self._pairs.clear()
                self._number += 1
        except (UnreadableError, NotYamlError):
            self._nodes, self._root, self._number = iter(()), _NOTHING, document
        return self._root

    def _child(
        self, node: yaml.Node | None, step: str | int
    ) -> tuple[yaml.Node | None, yaml.Node | None]:
        """The value under one step and, in a mapping, its key."""
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            inside = step < len(node.value)
            return (node.value[step], None) if inside else (None, None)
        if isinstance(node, yaml.MappingNode) and isinstance(step, str):
            pairs = self._pairs.get(id(node))
            if pairs is None:
                pairs = self._pairs[id(node)] = {
                    key.value: (value, key)
                    for key, value in node.value
                    if isinstance(key, yaml.ScalarNode)
                }
            return pairs.get(step) or _from_merges(node, step)
        return None, None


def _composed(source: Source) -> Iterator[tuple[yaml.Node, Position]]:
    """Each document's node, and the line and column from 0 that its own places count from."""
    content = source.read()
    decoded = json_documents(content)
    if decoded is None:
        for node in nodes(content):
            yield node, (0, 0)
        return
    text = content.decode("utf-8-sig")
    line = column = seen = 0
    for _, (start, end) in decoded:
        line += text.count("\n", seen, start)
        column = start - text.rfind("\n", 0, start) - 1
        seen = start
        # YAML's reading of JSON has places. There only a space may indent, so tabs become spaces.
        for node in nodes(text[start:end].replace("\t", " ").encode()):
            yield node, (line, column)


def _mark_of(node: yaml.Node | None, base: Position) -> Position:
    if node is None:
        return _START
    mark = node.start_mark
    column = mark.column + (base[1] if mark.line == 0 else 0)
    return mark.line + base[0] + 1, column + 1


def _from_merges(node: yaml.MappingNode, step: str) -> tuple[yaml.Node | None, yaml.Node | None]:
    for key, value in node.value:
        if key.tag == MERGE:
            pair = _merged(value, step)
            if pair[0] is not None:
                return pair
    return None, None


def _merged(node: yaml.Node, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """What ``<<`` brings in, by one step of merging: a document can merge itself."""
    parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for part in parts:
        for key, value in part.value if isinstance(part, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.value == step:
                return value, key
    return None, None
