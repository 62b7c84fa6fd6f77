"""What changed between a resource's old inputs and its new ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pulumi.runtime.proto import provider_pb2

from lab.plugins.property_value import has_unknown
from lab.plugins.resource_kind import ResourceKind

_KIND = provider_pb2.PropertyDiff


def difference(
    kind: ResourceKind,
    state: Mapping[str, Any],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    ignored: Collection[str],
) -> provider_pb2.DiffResponse:
    """The engine's answer: each changed property, and whether it makes the resource anew.

    An unknown new value counts as a change. All values are revealed ones.
    """
    was, will_be = kind.with_defaults(old), kind.with_defaults(new)
    details: dict[str, provider_pb2.PropertyDiff] = {}
    for name, field in kind.fields.items():
        before, after = was.get(name), will_be.get(name)
        if name in ignored or (field.computed and after is None):
            continue
        if not has_unknown(after) and field.same(before, after):
            continue
        details[name] = _detail(name, old, new, replaces=field.replaces)
    replaces = [name for name in details if kind.fields[name].replaces]
    forced = kind.must_replace(state, new)
    if forced is not None:
        details[forced] = provider_pb2.PropertyDiff(kind=_KIND.UPDATE_REPLACE)
        replaces.append(forced)
    response = provider_pb2.DiffResponse
    return provider_pb2.DiffResponse(
        changes=response.DIFF_SOME if details else response.DIFF_NONE,
        replaces=replaces,
        diffs=list(details),
        detailedDiff=details,
        hasDetailedDiff=True,
    )


def _detail(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any], *, replaces: bool
) -> provider_pb2.PropertyDiff:
    if old.get(name) is None:
        kind = _KIND.ADD_REPLACE if replaces else _KIND.ADD
    elif new.get(name) is None:
        kind = _KIND.DELETE_REPLACE if replaces else _KIND.DELETE
    else:
        kind = _KIND.UPDATE_REPLACE if replaces else _KIND.UPDATE
    return provider_pb2.PropertyDiff(kind=kind, inputDiff=True)
