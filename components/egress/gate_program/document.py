"""The document that names the checks, looked through whole before anything is measured."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from probes import FIELDS, split

_LAST_PORT = 65535


class DocumentError(Exception):
    """What is wrong with the document, in one line."""


def checked(document: Any) -> dict[str, Any]:  # noqa: ANN401  it has not been checked yet
    """The document, once it holds what the checks need.

    `{"settleSeconds": 60, "attemptSeconds": 5, "checks": [{"name", "kind", ...}]}`, with the fields
    of each kind as `probes` lists them. Raises DocumentError that names the check and the field.
    """
    if not isinstance(document, dict):
        raise DocumentError("it is not a JSON object")
    for key in ("settleSeconds", "attemptSeconds"):
        value = document.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
            raise DocumentError(f"{key} must be a number above 0")
    checks = document.get("checks")
    if not isinstance(checks, list) or not checks:
        raise DocumentError("checks must be a list that names at least one check")
    names = [_check(index, check) for index, check in enumerate(checks)]
    for name in names:
        if names.count(name) > 1:
            raise DocumentError(f"check {name}: the name is given twice")
    return dict(document)


def _check(index: int, check: Any) -> str:  # noqa: ANN401  it has not been checked yet
    if not isinstance(check, dict):
        raise DocumentError(f"checks[{index}] is not a JSON object")
    name, kind = check.get("name"), check.get("kind")
    if not isinstance(name, str) or not name:
        raise DocumentError(f"checks[{index}] has no name")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise DocumentError(f"check {name}: kind {kind!r} is none of {', '.join(sorted(FIELDS))}")
    for field in FIELDS[kind]:
        if field not in check:
            raise DocumentError(f"check {name}: {field} is missing")
        try:
            _FORMS[field](check[field])
        except (ValueError, TypeError, AttributeError) as error:
            raise DocumentError(f"check {name}: {field}: {error}") from None
    return name


def _address(value: str) -> None:
    split(value)


def _proxy(value: str) -> None:
    split(value.removeprefix("socks5://"))


def _url(value: str) -> None:
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname or url.port == 0:
        raise ValueError(f"{value!r} is no http or https URL")


def _addresses(value: list[str]) -> None:
    # A string would do for `in`, and match any part of an address.
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list of addresses")
    for each in value:
        ipaddress.ip_address(each)


def _text(value: str) -> None:
    if not isinstance(value, str) or not value:
        raise ValueError("must be text")


def _port(value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LAST_PORT:
        raise ValueError(f"{value!r} is no port")


_FORMS: dict[str, Callable[[Any], None]] = {
    "address": _address,
    "ca": _text,
    "expected": _addresses,
    "host": _text,
    "port": _port,
    "proxy": _proxy,
    "url": _url,
}
