"""No key in plain text, in any field of any object."""

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import pairwise

from ._keys import AWS_NAME, key_in, shows_a_sign
from ._model import UNKNOWN, Finding, Path, Rule, Severity, Unknown
from ._subject import Subject

# The variables from which containers take a key: never a plain value, known or not.
# https://tailscale.com/kb/1282/docker
_KEY_VARIABLE = re.compile(rf"TS_(?:AUTH_?KEY|CLIENT_SECRET)|\w*{AWS_NAME}")
_WORDS = {("command",), ("args",)}
_BASE64_FIELDS = {"Secret": "data", "ConfigMap": "binaryData"}
_MEND = "refer to a Secret here, not to an Output"


def _strings(root: object, where: Path) -> Iterator[tuple[Path, object, str]]:
    """Every text under `root` with its path and what names it.

    That is its field, the variable whose value it is, or the word before it in a command. A map
    key that is the secret stands at its map.
    """
    waiting: list[tuple[Path, object, object]] = [(where, None, root)]
    seen: set[int] = set()  # YAML aliases can make a document contain itself
    while waiting:
        path, named, value = waiting.pop()
        if isinstance(value, str):
            yield path, named, value
        elif isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))
            if isinstance(value, list):
                before = (None, *value) if path[-1:] in _WORDS else (None,) * len(value)
                waiting.extend(
                    ((*path, place), before[place], entry) for place, entry in enumerate(value)
                )
                continue
            for key, entry in value.items():
                name = key if isinstance(key, str) else repr(key)
                if key_in(name):
                    yield path, None, name
                    name = "..."  # the path of what is below must not give the key away
                variable = value.get("name") if name == "value" else None
                named = variable if isinstance(variable, str) else name
                waiting.append(((*path, name), named, entry))


def _may_hold_key(root: object) -> bool:
    """Whether any text could be a key; the quick look that spares most documents the slow one."""
    waiting: list[object] = [root]
    texts: list[str] = []
    seen: set[int] = set()
    for value in waiting:  # which grows on the way
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value)
            if isinstance(value, dict):
                waiting.extend(value.values())
    # One search over all of them costs less than a search over each.
    return shows_a_sign("\n".join(texts))


def _decoded(text: str) -> str:
    """The text behind base64, or nothing where it is not base64."""
    try:
        return base64.b64decode(text, validate=False).decode("utf-8", errors="replace")
    except (binascii.Error, ValueError):
        return ""


def _unknown_key_variables(subject: Subject) -> Iterator[Finding]:
    """A key variable set from an Output would put the key into the pod's spec in plain text."""
    for pod in subject.pods:
        if isinstance(pod.spec, Unknown):
            yield Finding.unjudged(pod.where, _MEND)
            continue
        for container in pod.containers:
            if isinstance(container.body, Unknown):
                yield Finding.unjudged(container.where, _MEND)
                continue
            for variable in container.environment.variables:
                if _may_be_key(variable.name, variable.value):
                    yield Finding.unjudged(variable.where, _MEND)
            words = (text for text in container.environment.texts if text.position is None)
            for flag, word in pairwise(words):
                if word.value is not UNKNOWN and _may_be_key(flag.value, word.value):
                    yield Finding.unjudged(word.where, _MEND)


def _may_be_key(name: object, value: object) -> bool:
    """Whether a value is a key as soon as its name or itself is known."""
    if value is UNKNOWN:
        named = isinstance(name, str) and _KEY_VARIABLE.fullmatch(name) is not None
        return name is UNKNOWN or named
    return (
        name is UNKNOWN
        and isinstance(value, str)
        and any(key_in(value, each) for each in ("AWS_SECRET_ACCESS_KEY", "TS_AUTHKEY"))
    )


def _plain_keys(subject: Subject) -> Iterator[Finding]:
    coded = _BASE64_FIELDS.get(subject.kind) if isinstance(subject.kind, str) else None
    if coded is None and not _may_hold_key(subject.body):
        return
    found: set[Path] = set()
    depth = len(subject.where)
    for where, named, text in _strings(subject.body, subject.where):
        in_base64 = coded is not None and where[depth : depth + 1] == (coded,)
        sort = None if where in found else key_in(text, named)
        if sort is None and in_base64 and where not in found:
            sort = key_in(_decoded(text), named)
        if sort is not None:
            found.add(where)
            if not _is_in_its_place(subject, where):
                yield Finding.fires(where, f"{sort} stands here in plain text; revoke it")


def _check(subject: Subject) -> Iterator[Finding]:
    yield from _plain_keys(subject)
    yield from _unknown_key_variables(subject)


def _is_in_its_place(subject: Subject, where: Path) -> bool:
    """Whether Pulumi encrypts the value and it does not then stand readable in the cluster.

    A Secret's data is where a key belongs, and a resource that is not an object of the API server
    keeps its secrets in the encrypted state. In any other object an encrypted input is plain text
    as soon as it is applied.
    """
    if subject.token is None or not subject.encrypted(where):
        return False
    field = where[len(subject.where) : len(subject.where) + 1]
    in_secret = subject.kind == "Secret" and field in {("data",), ("stringData",)}
    return subject.kind is None or in_secret


RULES = (
    Rule(
        name="plain-text-keys",
        severity=Severity.CRITICAL,
        description=(
            "A key, a private key or a database's password must not stand in plain text in an "
            "object or a manifest."
        ),
        remedy=(
            "revoke the key, keep the new one in a Secret and refer to it with "
            "valueFrom.secretKeyRef or a mounted file"
        ),
        source=(
            "The operators' documents of 2025-10-12 held a reusable auth key in plain text; the "
            "prefixes of Tailscale, CrunchyBridge, Pulumi and AWS"
        ),
        url="https://tailscale.com/kb/1277/key-prefixes",
        limitations=(
            "Other keys than Tailscale's, CrunchyBridge's, Pulumi's, AWS's access keys (its "
            "session tokens are not seen), private keys and passwords in database URLs. The secret "
            "half of an AWS key, and a Tailscale key without its prefix, where no name such as "
            "AWS_SECRET_ACCESS_KEY, TS_AUTHKEY or --authkey stands before it. A key that is split, "
            "encrypted or encoded otherwise than as a Secret's data. A value "
            "that a preview does not know is judged on update, before its resource is touched. A "
            "key written into a program as a Secret's data, because the provider marks that data "
            "as secret before the rules see it."
        ),
        check=_check,
        tags=("secrets",),
    ),
)
