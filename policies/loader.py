"""YAML as kubectl reads it.

kubectl reads with sigs.k8s.io/yaml v1.6, which is go.yaml.in/yaml v2.4 and a conversion to JSON.
The resolution of plain scalars (`resolve.go`), anchors, merges and the bound on aliases
(`decode.go`) follow that code: ``=`` and what only looks like a date or a number are text, ``y``
and ``on`` are booleans, ``0o0`` and ``010`` are numbers, an anchor may be set again, a tag of an
application is passed over. A test compares the result with kubectl's own. One difference is on
purpose: a key that stands twice in one mapping is refused here, because readers differ in which of
the two counts.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # it is not in the types
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from .scalar import FIRST, MERGE, AnyEvent, NotYamlError, fault, key_text, plain, scalar

__all__ = ["LONGEST_TEXT", "MERGE", "TWICE", "NotYamlError", "documents", "nodes"]

# Over what etcd takes of an object, so that no text in one is longer.
LONGEST_TEXT = 2 * 1024 * 1024
_TOO_LONG = "a text of more than 2 MiB; no object of Kubernetes holds one, so keep it elsewhere"
# As allowedAliasRatio of decode.go: what aliases may add to a document.
_FEW, _MANY = 400_000, 4_000_000
_LEAST_ALIASED, _LEAST_DECODED = 100, 1000


_NextEvent = Callable[[], AnyEvent]
_Built = TypeVar("_Built")


def documents(content: bytes) -> Iterator[object]:
    """Each document of a YAML stream as plain mappings with text for keys, lists and scalars.

    Raises NotYamlError at the first fault, after the documents before it.
    """
    return _each_document(content, lambda next_event: _Document(next_event).value)


def nodes(content: bytes) -> Iterator[yaml.Node]:
    """The same documents as nodes with their places. Raises NotYamlError."""
    return _each_document(content, lambda next_event: _node(next_event(), next_event, {}))


def _each_document(content: bytes, build: Callable[[_NextEvent], _Built]) -> Iterator[_Built]:
    try:
        next_event: _NextEvent = CParser(content).get_event
        next_event()  # the stream's start
        while type(next_event()) is DocumentStartEvent:
            built = build(next_event)
            next_event()  # the document's end
            yield built
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise NotYamlError(_in_plain_words(content, error), *where) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise NotYamlError("it is not text in UTF-8; save it as UTF-8") from None
    except (RecursionError, MemoryError):
        raise NotYamlError("it is nested too deeply; no manifest is") from None


def _in_plain_words(content: bytes, error: yaml.MarkedYAMLError) -> str:
    """libyaml's own problem, none of which quotes the file; a tab is named."""
    mark = error.problem_mark
    lines = content.decode("utf-8", "replace").split("\n")
    if mark and mark.line < len(lines):
        before, at = lines[mark.line][: mark.column], lines[mark.line][mark.column :]
        if at.startswith("\t") or ("\t" in before and not before.strip()):
            return "a tab indents here; use spaces"
    return f"{error.problem}; fix the YAML there"


class _Document:
    def __init__(self, next_event: _NextEvent) -> None:
        self._next = next_event
        self._anchors: dict[str, object] = {}
        self._open: set[int] = set()
        self._aliased = False
        self._merged = 0
        self.value = self._built(next_event())
        if self._aliased:
            _refuse_excessive_aliases(self.value)

    def _built(self, event: AnyEvent) -> object:
        kind = type(event)
        if kind is ScalarEvent:
            if len(event.value) > LONGEST_TEXT:
                raise fault(event, _TOO_LONG)
            value = scalar(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = value
            return value
        if kind is MappingStartEvent:
            return self._mapping(event)
        if kind is SequenceStartEvent:
            listed: list[object] = []
            self._start(event, listed)
            following, built = self._next, self._built
            while type(entry := following()) is not SequenceEndEvent:
                listed.append(built(entry))
            self._open.discard(id(listed))
            return listed
        return self._alias(event)

    def _mapping(self, event: AnyEvent) -> dict[str, object]:
        mapping: dict[str, object] = {}
        self._start(event, mapping)
        own = 0
        merged: set[str] | None = None  # what << has brought, once there is one
        following, built = self._next, self._built
        while type(key := following()) is not MappingEndEvent:
            if _is_merge(key):
                merged = set() if merged is None else merged
                merged |= self._merge(mapping, built(following()), key)
                continue
            if type(key) is ScalarEvent and key.tag is None and key.anchor is None:
                name = key.value
                if key.implicit[0] and name[:1] in FIRST:
                    name = key_text(plain(name), key)
            else:
                name = key_text(built(key), key)
            if merged is not None and name in mapping:
                if name not in merged:
                    raise fault(key, TWICE)
                merged.discard(name)
                own -= 1
            mapping[name] = built(following())
            own += 1
            if merged is None and len(mapping) < own:
                raise fault(key, TWICE)
        self._open.discard(id(mapping))
        return mapping

    def _start(self, event: AnyEvent, collection: object) -> None:
        if event.anchor is not None:
            self._anchors[event.anchor] = collection
            self._open.add(id(collection))

    def _alias(self, event: AnyEvent) -> object:
        if event.anchor not in self._anchors:
            raise fault(event, "an alias refers to an anchor that is not set before it; set it")
        value = self._anchors[event.anchor]
        if id(value) in self._open:
            raise fault(event, "an anchor contains itself; write the value out")
        self._aliased = True
        return value

    def _merge(self, mapping: dict[str, object], value: object, key: AnyEvent) -> set[str]:
        """Put in what ``<<`` names: over what stands before it, under what follows, as kubectl."""
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            raise fault(key, "<< takes a mapping or a list of mappings; give it one")
        brought: set[str] = set()
        for part in reversed(parts):
            self._merged += len(part)
            if self._merged > _FEW:
                raise fault(key, _EXCESSIVE)
            mapping.update(part)
            brought |= part.keys()
        return brought


_EXCESSIVE = "aliases make it many times as large as it is; write the values out"
TWICE = "a key stands twice in one mapping; remove one of the two"


def _is_merge(event: AnyEvent) -> bool:
    return (
        type(event) is ScalarEvent
        and event.value == "<<"
        and (event.implicit[0] or event.tag == MERGE)
    )


def _refuse_excessive_aliases(document: object) -> None:
    """Raise NotYamlError where aliases make a document many times what is written."""
    sizes: dict[int, int] = {}

    def size(value: object) -> int:
        if not isinstance(value, dict | list):
            return 1
        if id(value) not in sizes:
            parts = value.values() if isinstance(value, dict) else value
            sizes[id(value)] = (
                1 + sum(map(size, parts)) + (len(value) if type(value) is dict else 0)
            )
        return sizes[id(value)]

    expanded = size(document)
    written = sum(1 + len(value) for value in _distinct(document))
    aliased = expanded - written
    over = min(max(expanded - _FEW, 0), _MANY - _FEW) / (_MANY - _FEW)
    allowed = 0.99 - 0.89 * over
    if aliased > _LEAST_ALIASED and expanded > _LEAST_DECODED and aliased / expanded > allowed:
        raise NotYamlError(_EXCESSIVE)


def refuse_long_texts(document: object) -> None:
    """Raise NotYamlError where a text is longer than any that an object can hold."""
    for value in _distinct(document):
        for text in (*value, *value.values()) if isinstance(value, dict) else value:
            if isinstance(text, str) and len(text) > LONGEST_TEXT:
                raise NotYamlError(_TOO_LONG)


def _distinct(document: object) -> Iterator[dict[str, object] | list[object]]:
    waiting, seen = [document], set[int]()
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))
            yield value
            waiting.extend(value.values() if isinstance(value, dict) else value)


def _node(event: AnyEvent, next_event: _NextEvent, anchors: dict[str, yaml.Node]) -> yaml.Node:
    kind = type(event)
    if kind is AliasEvent:
        return anchors.get(event.anchor) or yaml.ScalarNode("", "", event.start_mark)
    if kind is ScalarEvent:
        tag = MERGE if _is_merge(event) else ""
        node: yaml.Node = yaml.ScalarNode(tag, event.value, event.start_mark)
    elif kind is MappingStartEvent:
        node = yaml.MappingNode("", [], event.start_mark)
    else:
        node = yaml.SequenceNode("", [], event.start_mark)
    if event.anchor is not None:
        anchors[event.anchor] = node
    if kind is MappingStartEvent:
        while type(key := next_event()) is not MappingEndEvent:
            name = _node(key, next_event, anchors)
            node.value.append((name, _node(next_event(), next_event, anchors)))
    elif kind is SequenceStartEvent:
        while type(entry := next_event()) is not SequenceEndEvent:
            node.value.append(_node(entry, next_event, anchors))
    return node
