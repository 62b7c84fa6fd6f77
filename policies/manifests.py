"""Manifest files: which ones there are, and the documents in them.

Nothing is executed and nothing fetched. Files are read one document at a time, so that memory does
not grow with what is scanned.
"""

import json
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import loader

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
LARGEST = 64 * 1024 * 1024
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


class NotAManifestError(UnreadableError):
    """A file that kubectl could not apply and that does not claim to be a manifest."""


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
        if len(content) > LARGEST:
            raise UnreadableError(
                self.name, f"larger than {LARGEST // 2**20} MiB; no manifest is, so split it"
            )
        return content

    def _from_file(self) -> bytes:
        """One byte more than is allowed, at the most."""
        try:
            with open(self.name, "rb") as stream:  # noqa: PTH123 - a Path costs as much as the reading
                # Asked for the most that is allowed, Python would set so much aside for every file.
                size = os.fstat(stream.fileno()).st_size
                content = stream.read(min(size, LARGEST) + 1)
                if len(content) > size:  # a pipe, or a file that grows
                    content += stream.read(max(LARGEST + 1 - len(content), 0))
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
            yield _given("<stdin>", sys.stdin.buffer.read(LARGEST + 1))
        elif Path(path).is_file():
            yield Source(path)
        elif Path(path).is_dir():
            yield from _under(path)
        elif _is_stream(path):
            with open(path, "rb") as stream:  # noqa: PTH123 - as above
                yield _given(path, stream.read(LARGEST + 1))
        else:
            yield UnreadableError(path, "no such file or folder; give a path that exists")
    except OSError as error:
        yield _unreadable(path, error)


def _is_stream(path: str) -> bool:
    """Whether it is a pipe or a terminal, such as ``/dev/stdin`` and a shell's ``<(...)``."""
    mode = Path(path).stat().st_mode if Path(path).exists() else 0
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def _given(name: str, content: bytes) -> Source | UnreadableError:
    """What came through a stream, which can be read once only."""
    if not content.strip():
        return UnreadableError(name, "nothing was given; check the command before the pipe")
    return Source(name, content)


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


def documents(source: Source, content: bytes) -> Iterator[object]:
    """Each document of a file's content, parsed, in order. Raises UnreadableError at a fault.

    Content that cannot be parsed and names neither apiVersion nor a kind raises NotAManifestError.
    """
    try:
        decoded = json_documents(content)
        if decoded is not None:
            yield from (value for value, _ in decoded)
        else:
            yield from loader.documents(content)
    except loader.NotYamlError as error:
        place = error.line, error.column
        if source.kind is None and _CLAIMS.search(content) is None:
            raise NotAManifestError(source.name, NO_MANIFEST, *place) from None
        raise UnreadableError(source.name, f"kubectl cannot read this: {error}", *place) from None


# What a file says of itself that is meant for a cluster, as YAML and as JSON; a kind of Kubernetes
# has a capital.
_CLAIMS = re.compile(
    rb"""(?:^|[\s{,-])["']?(?:apiVersion["']?[ \t]*:|kind["']?[ \t]*:[ \t]*["']?[A-Z{$])"""
)
NO_MANIFEST = "no Kubernetes manifest: it has neither apiVersion nor kind; passed over"


def is_manifest(document: object, kind: str | None) -> bool:
    """Whether a document claims to be an object, or a list of some.

    `kind` is what its file's name says it is.
    """
    if isinstance(document, list):
        return any(is_manifest(member, kind) for member in document if isinstance(member, Mapping))
    named = isinstance(document, Mapping) and ("kind" in document or "apiVersion" in document)
    return named or (kind is not None and isinstance(document, Mapping))


def json_documents(content: bytes) -> list[tuple[object, tuple[int, int]]] | None:
    """The documents of a JSON file with where each begins and ends, in characters.

    None when it is no JSON after all. Raises NotYamlError for a key that stands twice.
    """
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return None
    decoder = json.JSONDecoder(
        object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant
    )
    found: list[tuple[object, tuple[int, int]]] = []
    try:
        text = content.decode("utf-8-sig")
        position = _after_space(text, 0)
        while position < len(text):
            try:
                document, end = decoder.raw_decode(text, position)
            except loader.NotYamlError:
                raise _place_of_duplicate(text, position) from None
            if end - position > loader.LONGEST_TEXT:
                loader.refuse_long_texts(document)
            found.append((document, (position, end)))
            position = _after_space(text, end)
    except (ValueError, RecursionError):
        return None
    return found


def _place_of_duplicate(text: str, start: int) -> loader.NotYamlError:
    """The same fault with its place, which only the reading as YAML knows."""
    try:
        # There only a space may indent.
        for _ in loader.documents(text[start:].replace("\t", " ").encode()):
            pass
    except loader.NotYamlError as error:
        if str(error) == loader.TWICE:
            line = text.count("\n", 0, start)
            column = start - text.rfind("\n", 0, start) - 1 if error.line == 1 else 0
            return loader.NotYamlError(loader.TWICE, error.line + line, error.column + column)
    return loader.NotYamlError(loader.TWICE)


def _refuse_constant(name: str) -> object:
    raise ValueError(name)  # NaN and the like are no JSON


def _after_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise loader.NotYamlError(loader.TWICE)
    return mapping


def chart_of(file: str) -> Path | None:
    """The chart that a file is a template of: what holds it in ``templates``, or None."""
    if "templates" not in file:
        return None
    for parent in Path(file).parents:
        if parent.name == "templates" and (parent.parent / "Chart.yaml").is_file():
            return whole_chart(parent.parent)
    return None


def whole_chart(chart: Path) -> Path:
    """The chart itself, or the one that it is a part of."""
    while chart.parent.name == "charts" and (chart.parent.parent / "Chart.yaml").is_file():
        chart = chart.parent.parent
    return chart
