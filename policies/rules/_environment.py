"""The variables of a container, as Kubernetes expands ``$(NAME)`` from them.

https://github.com/kubernetes/kubernetes/blob/v1.35.4/third_party/forked/golang/expansion/expand.go
and makeEnvironmentVariables of pkg/kubelet/kubelet_pods.go: variables of envFrom come first, then
those of env in order; what is not defined stays as it stands; ``$$`` is a ``$``.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ._field import entries_of, value_at
from ._model import UNKNOWN, Path, Unknown

if TYPE_CHECKING:
    from ._pod import Body

QUOTES = "\"'"
# What a shell reads as one word; the parenthesis that closes $(NAME) belongs to it.
_SHELL_WORD = re.compile(r"(?:\$\([^)\s$]*\)|[^;&|)>`])*")
# The kubelet gives every container variables for the Services of its namespace.
_SERVICE_VARIABLE = re.compile(r"[A-Z0-9_]+_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_.+)?)")


@dataclass(frozen=True, slots=True)
class Variable:
    """One entry of env; `value` is a text, UNKNOWN, or None where it comes from elsewhere.

    `name` is UNKNOWN where the preview does not know it or the entry.
    """

    where: Path
    name: object
    value: object


@dataclass(frozen=True, slots=True)
class Text:
    """One value; `position` is its own among the variables, and it may refer to those before it.

    One without a position, an argument, may refer to them all.
    """

    where: Path
    value: object
    position: int | None


def _pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """The text in pieces: each as it stands, with the name where it is a ``$(NAME)``.

    In one pass, unlike a pattern, which looks for the end of every ``$(`` again.
    """
    seen = 0
    last = text.rfind(")")
    while (start := text.find("$", seen)) >= 0:
        if text.startswith("$$", start):
            yield text[seen : start + 1], None
            seen = start + 2
        elif text.startswith("$(", start) and start < last:
            yield text[seen:start], None
            seen = text.index(")", start) + 1
            yield text[start:seen], text[start + 2 : seen - 1]
        else:
            yield text[seen : start + 1], None
            seen = start + 1
    yield text[seen:], None


def references(text: str) -> Iterator[str]:
    """The names in every ``$(NAME)`` of a text that is not escaped."""
    return (name for _, name in _pieces(text) if name is not None)


@dataclass(frozen=True)
class Environment:
    """The variables of the container at `where`, in order."""

    where: Path
    body: "Body"

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """Every entry of env; an env that is unknown is one unknown entry at its place."""
        found = []
        for where, entry in entries_of(self.body.get("env"), (*self.where, "env")):
            if entry is UNKNOWN:
                found.append(Variable(where, UNKNOWN, UNKNOWN))
            elif isinstance(entry, dict):
                place, value = value_at(entry, where, "value")
                if value is None and entry.get("valueFrom") in (None, {}):
                    value = ""
                # What is no text is refused by the API server.
                if value is not None and value is not UNKNOWN and not isinstance(value, str):
                    value = ""
                name = entry.get("name")
                known = name if isinstance(name, str | Unknown) else None
                found.append(Variable(place, known, value))
        return tuple(found)

    @cached_property
    def _positions(self) -> dict[object, list[int]]:
        """Where each name stands among the variables; that of the unknown ones is UNKNOWN."""
        positions: dict[object, list[int]] = {}
        for position, variable in enumerate(self.variables):
            positions.setdefault(variable.name, []).append(position)
        return positions

    def _before(self, name: object, text: Text) -> list[int]:
        positions = self._positions.get(name, [])
        if text.position is None:
            return positions
        return positions[: bisect_left(positions, text.position)]

    def variable(self, name: str, text: Text | None = None) -> Variable | None:
        """The variable that a text means by a name: the last one before it, or of all."""
        positions = self._positions.get(name, []) if text is None else self._before(name, text)
        return self.variables[positions[-1]] if positions else None

    def unnamed(self, text: Text | None = None) -> list[Variable]:
        """The variables before a text, or all, whose names are not known."""
        positions = self._positions.get(UNKNOWN, [])
        if text is not None:
            positions = self._before(UNKNOWN, text)
        return [self.variables[position] for position in positions]

    def may_define(self, name: str, text: Text | None = None) -> bool:
        """Whether the name may be defined, before a text, by something whose name is not seen."""
        sources = self.body.get("envFrom")
        return (
            sources is UNKNOWN
            or bool(sources)
            or bool(self.unnamed(text))
            or _SERVICE_VARIABLE.fullmatch(name) is not None
        )

    def expanded(self, value: str, text: Text) -> str | None:
        """The value, as it stands in a text, with its references replaced; None if not known."""
        parts = []
        for piece, name in _pieces(value):
            part = piece if name is None else self._replaced(piece, name, text)
            if part is None:
                return None
            parts.append(part)
        return "".join(parts)

    def _replaced(self, piece: str, name: str, text: Text) -> str | None:
        variable = self.variable(name, text)
        if variable is None:
            return None if self.may_define(name, text) else piece
        # What stands there may itself be expanded from what came before it.
        known = isinstance(variable.value, str) and "$" not in variable.value
        return str(variable.value) if known else None

    def unknown_behind(self, value: str, text: Text) -> Path | None:
        """The place of an unknown value, or name, that decides what a value becomes; or None."""
        for name in references(value):
            variable = self.variable(name, text)
            if variable is not None:
                if variable.value is UNKNOWN:
                    return variable.where
            elif unnamed := self.unnamed(text):
                return unnamed[-1].where
        return None

    @cached_property
    def texts(self) -> tuple[Text, ...]:
        """Every value that Kubernetes expands: env's, then those of command and args."""
        return tuple(self._texts())

    def _texts(self) -> Iterator[Text]:
        for position, variable in enumerate(self.variables):
            if variable.value is not None:
                yield Text(variable.where, variable.value, position)
        for field in ("command", "args"):
            for where, entry in entries_of(self.body.get(field), (*self.where, field)):
                yield Text(where, entry, None)

    def given(self, *flags: str) -> Iterator[tuple[Text, object]]:
        """Every value of a flag with the text that it stands in; UNKNOWN where that is not known.

        Flag and value may be two words. The value of a variable is read by itself, the command
        and its arguments as one. A value ends where a shell would end a word, without its quotes.
        """
        for text in self.texts:
            if text.position is not None:
                yield from _given((text,), flags)
        yield from _given([text for text in self.texts if text.position is None], flags)

    def tailscale_may_read(self, position: int | None, *names: str) -> bool:
        """Whether an unknown text may be meant for Tailscale.

        It is the value of the variable at `position`, which counts when it has one of `names` or
        a name that is not known, or for None an argument.
        """
        if position is None:
            return self.runs_tailscale
        name = self.variables[position].name
        return name in names if isinstance(name, str) else self.runs_tailscale

    @cached_property
    def runs_tailscale(self) -> bool:
        """Whether the container is or may be Tailscale's: by image, command or variables."""
        _, command = value_at(self.body, (), "command")
        words = [self.body.get("image"), *(command if isinstance(command, list) else ())]
        return any(isinstance(word, str) and "tailscale" in word for word in words) or any(
            variable.name is UNKNOWN
            or (isinstance(variable.name, str) and variable.name.startswith("TS_"))
            for variable in self.variables
        )


def _given(texts: Iterable[Text], flags: tuple[str, ...]) -> Iterator[tuple[Text, object]]:
    awaited = False  # the word before this one was the flag alone
    for text in texts:
        if text.value is UNKNOWN and awaited:
            yield text, UNKNOWN
        awaited = awaited and text.value is not UNKNOWN
        for word in text.value.split() if isinstance(text.value, str) else ():
            flag, equals, value = word.strip(QUOTES).partition("=")
            is_flag = flag in flags
            for each in [word] * awaited + [value] * bool(is_flag and equals):
                ended = _SHELL_WORD.match(each)
                yield text, ended[0].strip(QUOTES) if ended else ""
            awaited = is_flag and not equals
