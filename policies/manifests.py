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
# What a file is by its name, where it does not say so itself.
_KINDS = {
    "kustomization.yaml": "Kustomization",
    "kustomization.yml": "Kustomization",
    "Kustomization": "Kustomization",
    "Chart.yaml": "Chart",
}
STANDARD_INPUT = "-"
# Well over any manifest (etcd takes 1.5 MiB an object); what is larger is no manifest.
_LARGEST = 64 * 1024 * 1024
_OUTSIDE = "a link out of the folder, not followed; name its target as a PATH"
_HIDDEN = "a link to a hidden folder, not followed; name its target as a PATH"


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

    @property
    def kind(self) -> str | None:
        """The kind of what the file holds, where its name tells."""
        return _KINDS.get(self.name.rpartition("/")[2])

    def read(self) -> bytes:
        """The bytes of the file. Raises UnreadableError."""
        content = self._from_file() if self.content is None else self.content
        if len(content) > _LARGEST:
            raise UnreadableError(
                self.name, f"larger than {_LARGEST // 2**20} MiB; no manifest is, so split it"
            )
        return content

    def _from_file(self) -> bytes:
        """One byte more than is allowed, at the most."""
        try:
            with open(self.name, "rb") as stream:  # noqa: PTH123 - a Path costs as much as the reading
                # Asked for the most that is allowed, Python would set so much aside for every file.
                size = os.fstat(stream.fileno()).st_size
                content = stream.read(min(size, _LARGEST) + 1)
                if len(content) > size:  # a pipe, or a file that grows
                    content += stream.read(max(_LARGEST + 1 - len(content), 0))
        except OSError as error:
            raise _unreadable(self.name, error) from None
        return content


def sources(path: str) -> Iterator[Source | UnreadableError]:
    """The file itself, or every YAML and JSON file under a folder, hidden folders left out.

    An error is given, and not raised, for whatever is not scanned: a path that is not there, a
    folder that cannot be read or that holds no manifest (a scan of nothing must not look like a
    clean one), a link that leads nowhere or out of the folder, which is not followed.
    """
    try:
        if path == STANDARD_INPUT:
            yield Source("<stdin>", sys.stdin.buffer.read(_LARGEST + 1))
        elif Path(path).is_file():
            yield Source(path)
        elif Path(path).is_dir():
            yield from _under(path)
        else:
            yield UnreadableError(path, "no such file or folder; give a path that exists")
    except OSError as error:
        yield _unreadable(path, error)


def _unreadable(path: str, error: OSError) -> UnreadableError:
    return UnreadableError(path, _why(error))


def _why(error: OSError) -> str:
    return f"{error.strerror}; make it readable"


def _under(root: str) -> Iterator[Source | UnreadableError]:
    inside = Path(root).resolve()
    empty = True
    unread: list[OSError] = []
    for folder, folders, names in os.walk(root, onerror=unread.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = {name for name in folders if Path(folder, name).is_symlink()}
        wanted = (name for name in names if name.endswith(SUFFIXES) or name in _KINDS)
        for name in sorted((*wanted, *links)):
            file = Path(folder, name)
            fault = _fault_of(file, inside)
            if fault is not None:
                empty = False
                yield UnreadableError(str(file), fault)
            elif name not in links:
                empty = False
                yield Source(str(file))
    for error in unread:
        empty = False
        yield _unreadable(str(error.filename), error)
    if empty:
        yield UnreadableError(root, f"holds no {', '.join(SUFFIXES)} file; give another folder")


def _fault_of(path: Path, root: Path) -> str | None:
    """Why what a file or a link under `root` holds would go unseen; None when it does not.

    What a link to a folder leads to is scanned where it is, unless it is hidden.
    """
    try:
        if not path.is_symlink():
            return None if path.is_file() else "neither a file nor a folder; remove or rename it"
        target = path.resolve()
        if not target.is_relative_to(root):
            return _OUTSIDE
        if target.is_dir():
            hidden = any(part.startswith(".") for part in target.relative_to(root).parts)
            return _HIDDEN if hidden else None
        return None if target.is_file() else "a link that leads to no file; mend or remove it"
    except RuntimeError:  # a link to itself
        return _OUTSIDE
    except OSError as error:
        return _why(error)


def documents(source: Source) -> Iterator[object]:
    """Each parsed document of a file, in order. Raises UnreadableError at the first fault.

    A chart's template that can be parsed is given, and the error raised after it all the same: its
    placeholders are not what Helm will put there.
    """
    content = source.read()
    try:
        if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            decoded = _json_documents(content)
            if decoded is not None:
                yield from decoded
                return
        yield from yaml.load_all(content, Loader=Loader)
        if _is_chart_template(source, content):
            raise _template(source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        if _is_chart_template(source, content):
            raise _template(source) from None
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


def _template(source: Source) -> ChartTemplateError:
    return ChartTemplateError(source.name, "a template of a Helm chart")


def _is_chart_template(source: Source, content: bytes) -> bool:
    """Whether the file lies in the folder ``templates`` of a chart and has template actions."""
    if source.content is not None or b"{{" not in content:
        return False
    parents = list(Path(source.name).parents)
    return any(
        parent.name == "templates" and (parent.parent / "Chart.yaml").is_file()
        for parent in parents
    )
