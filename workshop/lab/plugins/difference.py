"""What changed between a resource's old inputs and its new ones."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pulumi.runtime.proto import provider_pb2

from providers.plugin.property_value import has_unknown
from workshop.lab.plugins.resource_kind import ResourceKind

_KIND = provider_pb2.PropertyDiff
_REPLACING = {
    _KIND.ADD: _KIND.ADD_REPLACE,
    _KIND.DELETE: _KIND.DELETE_REPLACE,
    _KIND.UPDATE: _KIND.UPDATE_REPLACE,
}
_PLAIN_NAME = re.compile(r"[A-Za-z_$][\w$]*")


def difference(
    kind: ResourceKind,
    state: Mapping[str, Any],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    ignored: Collection[str],
) -> provider_pb2.DiffResponse:
    """The engine's answer: each changed property, and whether it makes the resource again.

    An unknown new value counts as a change. All values are revealed ones.
    """
    was, will_be = kind.with_defaults(old), kind.with_defaults(new)
    details: dict[str, provider_pb2.PropertyDiff] = {}
    changed: list[str] = []
    replaces: list[str] = []
    for name, field in kind.fields.items():
        before, after = was.get(name), will_be.get(name)
        if name in ignored or (field.computed and after is None):
            continue
        if not has_unknown(after) and field.same(before, after):
            continue
        places = dict(_changes(name, old.get(name), new.get(name)))
        again = field.replaces and (field.replaces_inside or name in places)
        for path, change in places.items():
            how = _REPLACING[change] if again else change
            details[path] = provider_pb2.PropertyDiff(kind=how)
        changed.append(name)
        replaces.extend([name] if again else [])
    forced = kind.must_replace(state, new)
    if forced is not None:
        replaces.append(forced)
        changed.append(forced)
    elif kind.id_is_output and not state.get("id"):
        # Of an earlier stand-in: an update writes what the real provider cannot do without.
        changed.append("id")
    if changed and forced is None:
        changed.extend(kind.changed_by_update)
    response = provider_pb2.DiffResponse
    return provider_pb2.DiffResponse(
        changes=response.DIFF_SOME if changed else response.DIFF_NONE,
        replaces=sorted(set(replaces)),
        diffs=sorted(set(changed)),
        detailedDiff=details if kind.detailed_diff else None,
        hasDetailedDiff=kind.detailed_diff,
    )


def _changes(
    path: str, before: object, after: object
) -> Iterator[tuple[str, provider_pb2.PropertyDiff.Kind.ValueType]]:
    """Each place within a property that differs, by its path."""
    if before == after and type(before) is type(after):
        return
    if before is None or after is None:
        yield path, _KIND.ADD if before is None else _KIND.DELETE
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _changes(_inner(path, key), before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            pair = (items[index] if index < len(items) else None for items in (before, after))
            yield from _changes(f"{path}[{index}]", *pair)
    else:
        yield path, _KIND.UPDATE


def _inner(path: str, key: str) -> str:
    return f"{path}.{key}" if _PLAIN_NAME.fullmatch(key) else f'{path}["{key}"]'
