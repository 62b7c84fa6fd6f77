"""What a policy file must hold to: Tailscale's rules, and none that this stand-in cannot check."""

import ipaddress
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from workshop.lab.refusal import Refusal

# What the real API takes besides (acls, groups, tests, …) would pass here unchecked.
_SECTIONS: Final = frozenset({"autoapprovers", "grants", "tagowners"})
_AUTOGROUPS: Final = frozenset(
    f"autogroup:{name}"
    for name in (
        *("admin", "auditor", "billing-admin", "internet", "it-admin", "member", "network-admin"),
        *("owner", "self", "shared", "tagged"),
    )
)
_TAG: Final = re.compile(r"tag:[A-Za-z][A-Za-z0-9-]*")
_USER: Final = re.compile(r"[^@\s]+@[^@\s]*")
_PROTOCOL: Final = re.compile(r"((tcp|udp|sctp|icmp|\d+):)?(\*|\d+(-\d+)?(,\d+(-\d+)?)*)")


def section(policy: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - any JSON value
    """A part of the policy; the real parser takes `TagOwners` for `tagOwners`, as Go's does."""
    return next((v for k, v in policy.items() if k.lower() == name.lower()), None)


def check(policy: Mapping[str, Any]) -> None:
    """Raise Refusal 400 at the first thing that is wrong."""
    for name in policy:
        if name.lower() not in _SECTIONS:
            raise _refusal(f"{name}: no section that the stand-in of Tailscale's API can check")
    owners = _object(policy, "tagOwners")
    for tag, tag_owners in owners.items():
        if not _TAG.fullmatch(tag):
            raise _refusal(f"tagOwners: {tag!r} is not a valid tag")
        _check_selectors(f"tagOwners: {tag}", tag_owners, owners, required=False)
    approvers = _object(policy, "autoApprovers")
    for name in approvers:
        if name.lower() != "exitnode":
            raise _refusal(f"autoApprovers: field {name!r} cannot be checked by the stand-in")
    exit_node = section(approvers, "exitNode")
    _check_selectors("autoApprovers: exitNode", exit_node, owners, required=False)
    _check_grants(policy, owners)


def _check_grants(policy: Mapping[str, Any], tags: Collection[str]) -> None:
    grants = section(policy, "grants") or []
    if not isinstance(grants, list) or not all(isinstance(grant, dict) for grant in grants):
        raise _refusal("grants must be a list of objects")
    for number, grant in enumerate(grants):
        where = f"grants[{number}]"
        unknown = sorted(set(grant) - {"src", "dst", "ip"})
        if unknown:
            raise _refusal(f"{where}: field {unknown[0]!r} cannot be checked by the stand-in")
        for side in ("src", "dst"):
            _check_selectors(f"{where}.{side}", grant.get(side), tags)
        for text in _texts(f"{where}.ip", grant.get("ip"), required=True):
            if not _PROTOCOL.fullmatch(text):
                raise _refusal(f"{where}.ip: {text!r} is not a valid protocol and port")


def _check_selectors(
    where: str,
    value: Any,  # noqa: ANN401 - JSON
    tags: Collection[str],
    *,
    required: bool = True,
) -> None:
    """Raise Refusal unless each is an autogroup, a user, a range, or a tag of the file."""
    for text in _texts(where, value, required=required):
        known = text in tags or text == "*" or text in _AUTOGROUPS or _is_network(text)
        if not known and (text.startswith("tag:") or not _USER.fullmatch(text)):
            kind = text.partition(":")[0] if ":" in text else "selector"
            raise _refusal(f"{where}: {kind} not found: {text!r}")


def _object(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = section(holder, name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _refusal(f"{name} must be an object")
    return value


def _texts(where: str, value: Any, *, required: bool) -> list[str]:  # noqa: ANN401 - JSON
    texts = [] if value is None else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _refusal(f"{where}: must be a list of strings")
    if required and not texts:
        raise _refusal(f"{where}: must not be empty")
    return texts


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _refusal(reason: str) -> Refusal:
    return Refusal(400, f"policy file: {reason}")
