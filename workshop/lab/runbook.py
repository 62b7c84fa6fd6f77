"""The runbooks' code blocks, as they stand in the Markdown, with what each says of its running.

`sh` blocks are commands. A `yaml` block marked `settings=…` is what its reader writes into
Pulumi.<stack>.yaml before the commands after it: `set` puts its keys in place of those that are
there, `add` appends to their lists, `remove` takes entries of the same `name` out of them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
# The info string's first word is the language; renderers ignore the rest (CommonMark 0.31, 4.5).
_FENCE = re.compile(r"(?P<indent> *)(?P<ticks>```+)(?P<info>.*)")
_HEADING = re.compile(r"## +(.+)")
_PART = re.compile(r"\*\*(Symptom|Check|Fix|Verify|Roll back)\.\*\*")
# What somebody would type: with an argument, and not said to run nowhere right behind it.
_INLINE = re.compile(
    r"`((?:kubectl|make|oceanid|tailscale)\s[^`]+)`(?!\s*<!-- runnable=no why=\"[^\"]+\" -->)"
)
_PLACEHOLDER = re.compile(r"<[a-z]+>")
_MARK = re.compile(r'sh runnable=(?P<where>lab|network|no)(?: why="(?P<why>[^"]+)")?')
_SETTINGS = re.compile(r"yaml settings=(set|add|remove)")


class Where(StrEnum):
    """Where a block is run by a test; NO for one that cannot be, and says why.

    SETTINGS is for no shell: an edit of the stack's file, done in the lab's checkout.
    """

    LAB = "lab"
    NETWORK = "network"
    NO = "no"
    SETTINGS = "settings"


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block: its file and line, the `##` heading above it ("" for none), its part, its text.

    The part is Symptom, Check, Fix, Verify or Roll back; "" before the first.

    `why` is the reason of a block that does not run, and the mode of an edit of settings.
    """

    path: Path
    line: int
    section: str
    part: str
    where: Where
    why: str
    text: str

    @property
    def name(self) -> str:
        """For a test's name and an editor: `exit-node.md:12`."""
        return f"{self.path.name}:{self.line}"


def runbooks() -> list[Path]:
    """Every runbook, in the order of their names; not the folder's README."""
    return sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")


def blocks(path: Path) -> list[Block]:
    """The commands and edits of a runbook in their order.

    Raises ValueError with file and line for a block that does not say whether it is runnable, or
    says that it is not without a reason.
    """
    found: list[Block] = []
    section, part, opened, lines = "", "", None, list[str]()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None:
            if fence:
                opened, lines = (number, fence), []
            elif heading := _HEADING.match(line):
                section, part = heading[1], ""
            elif begun := _PART.match(line):
                part = begun[1]
        elif fence and fence["ticks"] == opened[1]["ticks"] and not fence["info"]:
            begin, first = opened
            if first["info"].split()[:1] == ["sh"] or "settings=" in first["info"]:
                where, why = _mark(first["info"], f"{path.name}:{begin}")
                indent = len(first["indent"])
                text = "".join(f"{each[indent:]}\n" for each in lines)
                found.append(
                    Block(
                        path=path,
                        line=begin,
                        section=section,
                        part=part,
                        where=where,
                        why=why,
                        text=text,
                    )
                )
            opened = None
        else:
            lines.append(line)
    return found


def loose_commands(text: str, lines: Iterable[str]) -> list[str]:
    """The commands within sentences of a runbook's Fix, Verify and Roll back that no line holds.

    `lines` are the blocks' own; `<word>` in a command stands for any one word.
    """
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    parts = _PART.split(re.sub(r"^## .*", "**Symptom.**", prose, flags=re.MULTILINE))
    told = [
        " ".join(found[1].split())
        for name, words in zip(parts[1::2], parts[2::2], strict=True)
        if name in ("Fix", "Verify", "Roll back")
        for found in _INLINE.finditer(words)
    ]
    known = list(lines)
    return [each for each in told if not any(_holds(line, each) for line in known)]


def _holds(line: str, command: str) -> bool:
    words = r"\S+".join(map(re.escape, _PLACEHOLDER.split(command)))
    return re.match(rf"\s*{words}(?!\S)", line) is not None


def _mark(info: str, place: str) -> tuple[Where, str]:
    edit = _SETTINGS.fullmatch(info.strip())
    if edit:
        return Where.SETTINGS, edit[1]
    mark = _MARK.fullmatch(info.strip())
    if mark is None:
        raise ValueError(
            f"{place}: ```{info}: say where it runs: ```sh runnable=lab, runnable=network, or "
            'runnable=no why="…"'
        )
    where, why = Where(mark["where"]), mark["why"] or ""
    if (where is Where.NO) != bool(why):
        raise ValueError(f'{place}: ```{info}: why="…" goes with runnable=no, and only with it')
    return where, why
