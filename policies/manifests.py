"""Manifest files: which ones there are, and the documents in them.

Nothing is executed and nothing fetched. Files are read one document at a time, so that memory does
not grow with what is scanned.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from policies.loader import TWICE, Loader

SUFFIXES = (".yaml", ".yml", ".json")
STANDARD_INPUT = "-"
# Well over any manifest (etcd takes 1.5 MiB an object); what is larger is no manifest.
_LARGEST = 64 * 1024 * 1024


class UnreadableError(Exception):
    """What cannot be scanned. Its text is one line that says what, where, why and what to do.

    It gives a position and never the text at that position.
    """

    def __init__(self, file: str, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.file = file
        self.line = line
        self.column = column


class ChartTemplateError(UnreadableError):
    """A template of a Helm chart: no manifest before Helm has rendered it."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file to scan, or for `content` what came on standard input."""

    name: str
    content: bytes | None = None

    def read(self) -> bytes:
        """The bytes of the file. Raises UnreadableError."""
        if self.content is not None:
            return self.content
        try:
            with open(self.name, "rb") as stream:  # noqa: PTH123 - a Path costs as much as the reading
                # Asked for the most that is allowed, Python would set so much aside for every file.
                size = os.fstat(stream.fileno()).st_size
                content = stream.read(min(size, _LARGEST) + 1)
                if len(content) > size:  # a pipe, or a file that grows
                    content += stream.read(max(_LARGEST + 1 - len(content), 0))
        except OSError as error:
            why = f"{error.strerror}; make the file readable"
            raise UnreadableError(self.name, why) from None
        if len(content) > _LARGEST:
            raise UnreadableError(
                self.name, f"larger than {_LARGEST // 2**20} MiB; no manifest is, so split it"
            )
        return content


def sources(path: str) -> Iterator[Source | UnreadableError]:
    """The file itself, or every YAML and JSON file under a folder, hidden folders left out.

    An error is given, and not raised, for a path that is not there, for a folder without a
    manifest (a scan of nothing must not look like a clean one) and for a link that leads out of
    the folder, which is not followed.
    """
    if path == STANDARD_INPUT:
        yield Source("<stdin>", sys.stdin.buffer.read(_LARGEST + 1))
    elif Path(path).is_file():
        yield Source(path)
    elif Path(path).is_dir():
        yield from _under(path)
    else:
        yield UnreadableError(path, "no such file or folder; give a path that exists")


def _under(root: str) -> Iterator[Source | UnreadableError]:
    inside = Path(root).resolve()
    empty = True
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        wanted = (name for name in names if name.endswith(SUFFIXES))
        for name in sorted((*wanted, *(each for each in folders if _is_link(folder, each)))):
            file = Path(folder, name)
            if file.is_symlink() and not _leads_inside(file, inside):
                empty = False
                yield UnreadableError(
                    str(file), "a link out of the folder, not followed; name its target as a PATH"
                )
            elif file.is_file():
                empty = False
                yield Source(str(file))
    if empty:
        yield UnreadableError(root, f"holds no {', '.join(SUFFIXES)} file; give another folder")


def _is_link(folder: str, name: str) -> bool:
    return Path(folder, name).is_symlink()


def _leads_inside(link: Path, root: Path) -> bool:
    try:
        return link.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a link to itself
        return False


def documents(source: Source) -> Iterator[object]:
    """Each parsed document of a file, in order. Raises UnreadableError at the first fault."""
    content = source.read()
    try:
        if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            decoded = _json_documents(content)
            if decoded is not None:
                yield from decoded
                return
        yield from yaml.load_all(content, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        if _is_chart_template(source, content):
            raise ChartTemplateError(source.name, "a template of a Helm chart") from None
        twice = error.problem if isinstance(error, yaml.constructor.ConstructorError) else None
        what = twice if twice == TWICE else f"({type(error).__name__})"
        where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise UnreadableError(
            source.name, f"not plain YAML: {what}; mend it there", *where
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError, MemoryError) as error:
        raise UnreadableError(
            source.name,
            f"not plain YAML: ({type(error).__name__}); give a file that a cluster takes",
        ) from None


def _json_documents(content: bytes) -> list[object] | None:
    """The documents of a JSON file, one after the other; None when it is no JSON after all."""
    decoder = json.JSONDecoder(object_pairs_hook=_without_duplicates)
    found: list[object] = []
    try:
        text = content.decode("utf-8-sig").strip()
        position = 0
        while position < len(text):
            document, position = decoder.raw_decode(text, position)
            found.append(document)
            while position < len(text) and text[position].isspace():
                position += 1
    except _TwiceError:
        raise yaml.constructor.ConstructorError(None, None, TWICE, None) from None
    except ValueError:
        return None
    return found


class _TwiceError(Exception):
    pass


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise _TwiceError
    return mapping


def _is_chart_template(source: Source, content: bytes) -> bool:
    """Whether the file lies in the folder ``templates`` of a chart and has template actions."""
    if source.content is not None or b"{{" not in content:
        return False
    parents = list(Path(source.name).parents)
    return any(
        parent.name == "templates" and (parent.parent / "Chart.yaml").is_file()
        for parent in parents
    )
