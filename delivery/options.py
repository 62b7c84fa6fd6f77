"""The options that commands take, each defined once."""

from __future__ import annotations

import argparse
from typing import Any

from delivery.environment import BACKENDS, LAB_STACK, stacks

Option = tuple[str, dict[str, Any]]


def _known_stack(name: str) -> str:
    """The name; anything else must not begin, whatever it would have done first."""
    if name not in stacks():
        raise argparse.ArgumentTypeError(
            f"there is no Pulumi.{name}.yaml: use one of {', '.join(stacks())}, or write that file"
        )
    return name


class _Once(argparse.Action):
    """Takes a value, and refuses a second one: nobody can say which of the two is meant."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        given: set[str] = namespace.__dict__.setdefault("_given", set())
        if self.dest in given:
            parser.error(f"argument {option_string}: given twice: give it once")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


def _passed(flag: str, says: str, value: str | None = None) -> Option:
    """An option that goes on, as it is, to what the command runs; `value` names its value."""
    plain: dict[str, Any] = {"action": "append_const", "const": flag}
    valued = {"action": "append", "metavar": value, "type": lambda given: f"{flag}={given}"}
    how = valued if value else plain
    return flag, {"dest": "passed", "default": [], "help": says, **how}


STACK: Option = (
    "--stack",
    {"action": _Once, "type": _known_stack, "required": True, "help": "such as prod"},
)
SKIP_PREVIEW = _passed("--skip-preview", "update without the preview before it")
EXPECT_NO_CHANGES = _passed("--expect-no-changes", "fail where something would change")
REPLACE = _passed("--replace", "make this resource again; ** stands for any; repeatable", "URN")
JSON = _passed("--json", "for programs")
OUT = _passed("--out", "report-STACK.html unless given", "FILE")
TO: Option = (
    "--to",
    {"action": _Once, "default": "HEAD", "help": "the commit to go back to; HEAD unless given"},
)
SOURCE: Option = (
    "--source",
    {
        "action": _Once,
        "type": _known_stack,
        "default": LAB_STACK,
        "help": "what must be green; dev unless given",
    },
)
LOCK: Option = ("--lock", {"action": _Once, "help": "the lock of another machine, by its name"})
VERSION: Option = (
    "--version",
    {"action": _Once, "help": "the version to put back; without it they are listed"},
)
BACKEND: Option = (
    "--backend",
    {
        "action": _Once,
        "choices": BACKENDS,
        "help": "of dev: the lab's own folder, the default, or what PULUMI_BACKEND_URL names",
    },
)
PROVIDER: Option = (
    "--secrets-provider",
    {"action": _Once, "help": "such as awskms://alias/oceanid"},
)
