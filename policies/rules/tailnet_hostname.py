"""A device's name in the tailnet is one DNS label."""

import re
from collections.abc import Iterator

from ._check import each_container
from ._environment import Environment, Text
from ._field import entries_of
from ._model import UNKNOWN, Finding, Path, Rule, Severity
from ._subject import Body, Container

# RFC 1123, 2.1: letters, digits and hyphens, at most 63, no hyphen at either end.
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NO_LABEL = "the name of a device must be one DNS label, and tailscale refuses any other"


def _judge(container: Container, body: Body) -> Iterator[Finding]:
    environment = container.environment
    doubt = None if environment.runs_tailscale else _doubt(container, body)
    if not environment.runs_tailscale and doubt is None:
        return
    for text in environment.texts:
        if text.value is UNKNOWN:
            if environment.tailscale_may_read(text.position, "TS_HOSTNAME", "TS_EXTRA_ARGS"):
                yield Finding.unjudged(text.where)
        elif isinstance(text.value, str) and _is_name(environment, text):
            yield from _judge_name(environment, text, text.value, doubt)
    for text, name in environment.given("--hostname", "-hostname"):
        # A shell's own variable cannot be seen.
        seen = isinstance(name, str) and ("$" not in name or "$(" in name)
        if isinstance(name, str) and seen and not _is_name(environment, text):
            yield from _judge_name(environment, text, name, doubt)


def _is_name(environment: Environment, text: Text) -> bool:
    """Whether the whole text is, or may be, the name of a device."""
    if text.position is None:
        return False
    variable = environment.variables[text.position].name
    return variable is UNKNOWN or variable == "TS_HOSTNAME"


def _judge_name(
    environment: Environment, text: Text, name: str, doubt: Path | None
) -> Iterator[Finding]:
    expanded = environment.expanded(name, text)
    if expanded and not _LABEL.fullmatch(expanded):
        if doubt is not None:
            yield Finding.unjudged(doubt)
        elif text.position is not None and environment.variables[text.position].name is UNKNOWN:
            yield Finding.unjudged((*text.where[:-1], "name"))
        else:
            yield Finding.fires(text.where, _NO_LABEL)
        return
    unknown = environment.unknown_behind(name, text)
    if unknown is not None:
        yield Finding.unjudged(unknown)


def _doubt(container: Container, body: Body) -> Path | None:
    """The place of what is not known and could say that the container is Tailscale's."""
    if body.get("image") is UNKNOWN:
        return (*container.where, "image")
    words = entries_of(body.get("command"), (*container.where, "command"))
    return next((where for where, word in words if word is UNKNOWN), None)


RULES = (
    Rule(
        name="tailnet-hostname",
        severity=Severity.MEDIUM,
        description="The name of a device in the tailnet must be one DNS label.",
        remedy="use letters, digits and hyphens, at most 63, with no hyphen at either end",
        source=(
            "Audit of 2025-10-12: the exit node did not start, because its host name was no DNS "
            "label; RFC 1123, 2.1"
        ),
        url="https://tailscale.com/kb/1098/machine-names",
        limitations=(
            "A name from the downward API or a Secret, and whether another device has the name "
            "already."
        ),
        check=each_container(_judge),
        tags=("egress", "correctness"),
    ),
)
