"""No node is changed by a shell from outside."""

import re
from collections.abc import Iterator

from ._check import wrong
from ._field import entries_of, value_at
from ._model import UNKNOWN, Finding, Rule, Severity
from ._subject import Subject

_REMOTE = "command:remote:"
_LOCAL = ("command:local:Command", "command:local:run", "command:local:runOutput")
# A word of its own, so that neither ~/.ssh nor openssh nor ssh-keygen counts.
_SSH = re.compile(
    r"(?:^|[\s;&|(`\"'/=])(?:ssh|scp|sftp|sshpass|autossh|ssh-copy-id|mosh|ansible|"
    r"ansible-playbook|pssh)(?![\w.-])"
)
_HARM = "it changes a machine by a shell, past the cluster, its rules and its records"


def _is_ssh(text: object) -> bool:
    return isinstance(text, str) and _SSH.search(text) is not None


def _check(subject: Subject) -> Iterator[Finding]:
    token = subject.token
    if token is None:
        return
    if token.startswith(_REMOTE):
        yield Finding.fires(subject.where, _HARM)
    elif token in _LOCAL:
        for field in ("create", "update", "delete", "command"):
            where, text = value_at(subject.body, subject.where, field)
            if text is UNKNOWN:
                yield Finding.unjudged(
                    where, "write the command in plain text and give it Outputs as environment"
                )
            elif _is_ssh(text):
                yield Finding.fires(where, _HARM)
        where, words = value_at(subject.body, subject.where, "interpreter")
        yield from wrong(entries_of(words, where), _is_ssh, _HARM)


RULES = (
    Rule(
        name="remote-command",
        severity=Severity.HIGH,
        description="A stack must not run commands on other machines.",
        remedy="let a pod or a Job of the cluster do it, or use the provider's own resource",
        source=(
            "2025-10-12: host automation over SSH left node after node half changed, and SSH was "
            "what the outage took first"
        ),
        url="https://www.pulumi.com/registry/packages/command/",
        limitations="A script that calls ssh by itself, and a program that speaks SSH.",
        check=_check,
        tags=("operations", "pulumi-only"),
    ),
)
