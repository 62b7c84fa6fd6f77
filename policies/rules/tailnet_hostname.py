"""A device's name in the tailnet is one DNS label."""

import re
from collections.abc import Iterator

from policies.rules._check import each_container
from policies.rules._environment import Environment, Text
from policies.rules._field import entries_of
from policies.rules._model import UNKNOWN, Enforcement, Finding, Path, Rule, Severity
from policies.rules._subject import Body, Container

# RFC 1123, 2.1: letters, digits and hyphens, at most 63, no hyphen at either end.
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_FLAGS = ("--hostname=", "-hostname=")
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
        elif isinstance(text.value, str):
            yield from _judge_text(environment, text, text.value, doubt)


def _judge_text(
    environment: Environment, text: Text, value: str, doubt: Path | None
) -> Iterator[Finding]:
    name = None if text.position is None else environment.variables[text.position].name
    own = name is UNKNOWN or name == "TS_HOSTNAME"
    given = [value] if own else list(_given(value))
    expanded = [environment.expanded(each, text.variables) for each in given]
    if any(each and not _LABEL.fullmatch(each) for each in expanded):
        if doubt is not None:
            yield Finding.unjudged(doubt)
        elif name is UNKNOWN:
            yield Finding.unjudged((*text.where[:-1], "name"))
        else:
            yield Finding.fires(text.where, _NO_LABEL)
        return
    for each in given:
        unknown = environment.unknown_behind(each, text.variables)
        if unknown is not None:
            yield Finding.unjudged(unknown)


def _doubt(container: Container, body: Body) -> Path | None:
    """The place of what is not known and could say that the container is Tailscale's."""
    if body.get("image") is UNKNOWN:
        return (*container.where, "image")
    words = entries_of(body.get("command"), (*container.where, "command"))
    return next((where for where, word in words if word is UNKNOWN), None)


def _given(text: str) -> Iterator[str]:
    if "-hostname=" not in text:
        return
    for word in text.split():
        for flag in _FLAGS:
            name = word.removeprefix(flag).strip("\"'")
            # A shell's own variable cannot be seen.
            if word.startswith(flag) and ("$" not in name or "$(" in name):
                yield name


RULES = (
    Rule(
        name="tailnet-hostname",
        severity=Severity.MEDIUM,
        enforcement=Enforcement.MANDATORY,
        description="The name of a device in the tailnet must be one DNS label.",
        remedy="use letters, digits and hyphens, at most 63, with no hyphen at either end",
        source=(
            "Audit of 2025-10-12: the exit node did not start, because its host name was no DNS "
            "label; RFC 1123, 2.1"
        ),
        url="https://tailscale.com/kb/1098/machine-names",
        blind_to=(
            "A name from the downward API or a Secret, a flag and its value in two entries, and "
            "whether another device has the name already."
        ),
        check=each_container(_judge),
        tags=("egress", "correctness"),
    ),
)
