"""Reading one field out of a body in which anything may be absent, unknown or of a wrong type."""

from collections.abc import Iterator

from ._model import UNKNOWN, Path, Unknown


def value_at(body: object, where: Path, *path: str) -> tuple[Path, object]:
    """The value under `path` and its place, `where` being the place of `body`.

    The value is None when it or what would hold it is absent or no mapping. It is UNKNOWN, at the
    place of the first unknown on the way, when the preview does not know it.
    """
    for step in path:
        where = (*where, step)
        if isinstance(body, dict):
            body = body.get(step)
        elif body is not UNKNOWN:
            body = None
        if body is UNKNOWN:
            return where, UNKNOWN
    return where, body


def entries_of(listed: object, where: Path) -> Iterator[tuple[Path, object]]:
    """Each entry of a list with its place; an unknown list is one unknown entry at its own."""
    if isinstance(listed, Unknown):
        yield where, UNKNOWN
    elif isinstance(listed, list):
        for position, entry in enumerate(listed):
            yield (*where, position), entry


def fields_of(listed: object, where: Path, field: str) -> Iterator[tuple[Path, object]]:
    """That field of each entry of a list; an entry that is unknown is given at its own place."""
    for place, entry in entries_of(listed, where):
        yield (place, UNKNOWN) if entry is UNKNOWN else value_at(entry, place, field)
