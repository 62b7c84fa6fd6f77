"""Keys and values of the previous release: accepted in this one, each with a warning."""

import copy
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Warn = Callable[[str], object]
# What must never be repeated in a message, should somebody have put it into the wrong key.
_SECRET_LOOK = re.compile(
    r"tskey-|cbkey_|pul-[0-9a-f]|AKIA|BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]+:[^/\s@]+@"
)
_LONGEST_VALUE = 80


@dataclass(frozen=True, kw_only=True)
class Renamed:
    """`old`, in the mapping at `group`, has become the entries of `new`.

    `[]` in `group` stands for each entry of a list. With `value`, only that value of `old` has.
    """

    group: tuple[str, ...]
    old: str
    new: Callable[[Any], Mapping[str, Any]]
    value: str | None = None


RENAMED = (
    Renamed(group=("egress",), old="echoUrl", new=lambda url: {"egressIpUrl": url}),
    Renamed(
        group=("egress", "destinations", "[]"),
        old="protocol",
        value="s3",
        new=lambda _: {"protocol": "https", "probe": "s3"},
    ),
    Renamed(group=("externalSecrets",), old="customResources", new=lambda bundle: {"crds": bundle}),
    Renamed(
        group=("monitoring",),
        old="echoSeconds",
        new=lambda seconds: {
            "egressIpInterval": f"{seconds}s" if type(seconds) is int else seconds
        },
    ),
)


def current(config: Mapping[str, Any], warn: Warn, secret: Collection[str] = ()) -> dict[str, Any]:
    """The configuration in this release's spelling; `warn` gets a line for each earlier one.

    Raises ValueError with a line for each key that is given in both. The values of the keys in
    `secret` are not shown.
    """
    renewed = copy.deepcopy(dict(config))
    twice = []
    for row in RENAMED:
        hidden = row.group[0] in secret
        for path, group in _mappings(renewed, row.group):
            if row.old not in group or row.value not in (None, group[row.old]):
                continue
            value = group.pop(row.old)
            new = row.new(value)
            line = f"{path}.{row.old} = {shown(value, hidden=hidden)}"
            if given := sorted(new.keys() & group.keys()):
                twice.append(f"{line}: {given[0]} is given as well: remove {row.old}")
            else:
                written = ", ".join(f"{key}: {shown(new[key], hidden=hidden)}" for key in new)
                warn(f"{line}: renamed, and refused by the next release: write {written}")
            group.update(new)
    if twice:
        raise ValueError("\n".join(twice))
    return renewed


def _mappings(
    node: object, group: tuple[str, ...], path: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    if not group:
        if isinstance(node, dict):
            yield path, node
    elif group[0] == "[]":
        for index, entry in enumerate(node if isinstance(node, list) else ()):
            yield from _mappings(entry, group[1:], f"{path}[{index}]")
    elif isinstance(node, dict) and group[0] in node:
        yield from _mappings(node[group[0]], group[1:], f"{path}.{group[0]}".removeprefix("."))


def shown(value: object, *, hidden: bool = False) -> str:
    """The value as JSON, cut where it is long, and left out where it is or looks secret."""
    text = json.dumps(value, default=str)
    if hidden or _SECRET_LOOK.search(text):
        return "[secret]"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
