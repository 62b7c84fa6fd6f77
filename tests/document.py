"""The project's Markdown: its files, their headings as GitHub anchors them, and their links."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_MADE = {"node_modules", "__pycache__"}
_FENCE = re.compile(r" *(```+|~~~+)")
_HEADING = re.compile(r"#{1,6} +(.+?)(?: +#+)?$")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^()\s>]+)>?(?: \"[^\"]*\")?\)")
_HTML_TARGET = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=\"([^\"]+)\"")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_INLINE_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True)
class Link:
    """A link's target as it is written, and the line it stands on."""

    line: int
    target: str

    @property
    def is_outside(self) -> bool:
        """Whether it leads out of the repository, where no test looks."""
        return re.match(r"[a-z][a-z0-9+.-]*:|//", self.target) is not None


@dataclass(frozen=True)
class Document:
    """One Markdown file; `root` is the folder that its links stay in."""

    path: Path
    root: Path = ROOT

    @property
    def name(self) -> str:
        return str(self.path.relative_to(self.root))

    @cached_property
    def anchors(self) -> set[str]:
        """Of every heading, a second one of the same words with `-1` behind it, as on GitHub."""
        found: dict[str, int] = {}
        for _, line in self._prose():
            if heading := _HEADING.match(line):
                slug = slug_of(heading[1])
                count = found.get(slug, 0)
                found[slug] = count + 1
                if count:
                    found[f"{slug}-{count}"] = 1
        return set(found)

    def links(self) -> Iterator[Link]:
        """All that are not in code."""
        for number, line in self._prose():
            text = _CODE.sub(lambda code: "x" * len(code[0]), line)
            for found in (*_LINK.finditer(text), *_HTML_TARGET.finditer(text)):
                yield Link(number, found[1])

    def _prose(self) -> Iterator[tuple[int, str]]:
        fence = ""
        for number, line in enumerate(self.path.read_text("utf-8").splitlines(), 1):
            mark = _FENCE.match(line)
            if not fence and mark:
                fence = mark[1]
            elif fence and line.strip() == fence:
                fence = ""
            elif not fence:
                yield number, line


def slug_of(heading: str) -> str:
    """The anchor of a heading (github-slugger: punctuation goes, spaces become hyphens)."""
    words = _INLINE_LINK.sub(r"\1", heading).replace("`", "").replace("*", "")
    return re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")


def files(*endings: str) -> list[Path]:
    """The project's files with one of these endings; nothing that a command has made."""
    found = []
    for folder, inside, names in os.walk(ROOT):
        inside[:] = [
            each for each in inside if each not in _MADE and (each[0] != "." or each == ".github")
        ]
        found += [Path(folder, name) for name in names if name.endswith(endings)]
    return sorted(found)


def documents() -> list[Document]:
    return [Document(path) for path in files(".md")]
