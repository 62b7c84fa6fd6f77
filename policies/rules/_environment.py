"""The variables of a container, as Kubernetes expands ``$(NAME)`` from them.

https://github.com/kubernetes/kubernetes/blob/v1.35.4/third_party/forked/golang/expansion/expand.go
and makeEnvironmentVariables of pkg/kubelet/kubelet_pods.go: variables of envFrom come first, then
those of env in order; what is not defined stays as it stands; ``$$`` is a ``$``.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from policies.rules._field import entries_of, value_at
from policies.rules._model import UNKNOWN, Path, Unknown

if TYPE_CHECKING:
    from policies.rules._subject import Body

_REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")
QUOTES = "\"'"
# What a shell reads as one word; the parenthesis that closes $(NAME) belongs to it.
_SHELL_WORD = re.compile(r"(?:\$\([^)\s]*\)|[^;&|)>`])*")
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
    """One value and the variables that it may refer to; `position` is its own among them all."""

    where: Path
    value: object
    variables: tuple[Variable, ...]
    position: int | None


def references(text: str) -> Iterator[str]:
    """The names in every ``$(NAME)`` of a text that is not escaped."""
    for match in _REFERENCE.finditer(text):
        if match.group(1) is not None:
            yield match.group(1)


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

    def may_define(self, name: str, variables: tuple[Variable, ...]) -> bool:
        """Whether the name may be defined by something whose name is not seen."""
        sources = self.body.get("envFrom")
        return (
            sources is UNKNOWN
            or bool(sources)
            or any(variable.name is UNKNOWN for variable in variables)
            or _SERVICE_VARIABLE.fullmatch(name) is not None
        )

    def expanded(self, text: str, variables: tuple[Variable, ...]) -> str | None:
        """The text with its references to `variables` replaced; None when that cannot be known."""
        values = {variable.name: variable for variable in variables}
        known = True

        def value_of(match: re.Match[str]) -> str:
            nonlocal known
            name = match.group(1)
            if name is None:
                return "$"
            if name in values:
                value = values[name].value
                # What stands there may itself be expanded from what came before it.
                if isinstance(value, str) and "$" not in value:
                    return value
                known = False
            elif self.may_define(name, variables):
                known = False
            return match.group(0)

        result = _REFERENCE.sub(value_of, text)
        return result if known else None

    def unknown_behind(self, text: str, variables: tuple[Variable, ...]) -> Path | None:
        """The place of an unknown value, or name, that decides what a text becomes; or None."""
        values = {variable.name: variable for variable in variables}
        for name in references(text):
            if name in values:
                if values[name].value is UNKNOWN:
                    return values[name].where
            elif UNKNOWN in values:
                return values[UNKNOWN].where
        return None

    @cached_property
    def texts(self) -> tuple[Text, ...]:
        """Every value that Kubernetes expands: env's, then those of command and args."""
        return tuple(self._texts())

    def _texts(self) -> Iterator[Text]:
        variables = self.variables
        for position, variable in enumerate(variables):
            if variable.value is not None:
                yield Text(variable.where, variable.value, variables[:position], position)
        for field in ("command", "args"):
            for where, entry in entries_of(self.body.get(field), (*self.where, field)):
                yield Text(where, entry, variables, None)

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
