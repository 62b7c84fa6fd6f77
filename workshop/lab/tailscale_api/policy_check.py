"""What a policy file must hold to: Tailscale's rules, and none that this stand-in cannot check."""

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from workshop.lab.refusal import Refusal

# What the real API takes besides (tests, ssh, hosts, postures, …) would pass here unchecked.
_SECTIONS: Final = frozenset({"acls", "autoapprovers", "grants", "groups", "tagowners"})
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
    groups = _object(policy, "groups")
    names = _Names(tags=frozenset(owners), groups=frozenset(groups))
    for group, members in groups.items():
        if not group.startswith("group:"):
            raise _refusal(f"groups: {group!r} must begin with 'group:'")
        names.check(f"groups: {group}", _texts(f"groups: {group}", members))
    for tag, tag_owners in owners.items():
        if not _TAG.fullmatch(tag):
            raise _refusal(f"tagOwners: {tag!r} is not a valid tag")
        names.check(f"tagOwners: {tag}", _texts(f"tagOwners: {tag}", tag_owners))
    _check_approvers(_object(policy, "autoApprovers"), names)
    _check_grants(policy, names)
    _check_acls(policy, names)


class _Names:
    """Who and what a policy may name."""

    def __init__(self, *, tags: Collection[str], groups: Collection[str]) -> None:
        self._tags = tags
        self._groups = groups

    def check(self, where: str, selectors: Iterable[str]) -> None:
        """Raise Refusal unless each is an autogroup, user, range, or a tag or group of the file."""
        for text in selectors:
            if text.startswith("tag:"):
                known = text in self._tags
            elif text.startswith("group:"):
                known = text in self._groups
            else:
                known = (
                    text == "*"
                    or text in _AUTOGROUPS
                    or _is_network(text)
                    or _USER.fullmatch(text) is not None
                )
            if not known:
                kind = text.partition(":")[0] if ":" in text else "selector"
                raise _refusal(f"{where}: {kind} not found: {text!r}")


def _check_approvers(approvers: Mapping[str, Any], names: _Names) -> None:
    for name in approvers:
        if name.lower() not in ("exitnode", "routes"):
            raise _refusal(f"autoApprovers: unknown field {name!r}")
    exit_node = _texts("autoApprovers: exitNode", section(approvers, "exitNode"))
    names.check("autoApprovers: exitNode", exit_node)
    for route, approved in (_object(approvers, "routes", "autoApprovers: ")).items():
        where = f"autoApprovers: routes: {route}"
        if not _is_network(route):
            raise _refusal(f"{where}: not a valid address range")
        names.check(where, _texts(where, approved))


def _check_grants(policy: Mapping[str, Any], names: _Names) -> None:
    for number, grant in enumerate(_rules(policy, "grants")):
        where = f"grants[{number}]"
        _only(where, grant, {"src", "dst", "ip"})
        for side in ("src", "dst"):
            names.check(
                f"{where}.{side}", _texts(f"{where}.{side}", grant.get(side), required=True)
            )
        for text in _texts(f"{where}.ip", grant.get("ip"), required=True):
            if not _PROTOCOL.fullmatch(text):
                raise _refusal(f"{where}.ip: {text!r} is not a valid protocol and port")


def _check_acls(policy: Mapping[str, Any], names: _Names) -> None:
    for number, rule in enumerate(_rules(policy, "acls")):
        where = f"acls[{number}]"
        _only(where, rule, {"action", "src", "dst", "proto"})
        if rule.get("action") != "accept":
            raise _refusal(f"{where}.action: must be 'accept'")
        names.check(f"{where}.src", _texts(f"{where}.src", rule.get("src"), required=True))
        for text in _texts(f"{where}.dst", rule.get("dst"), required=True):
            host, _, ports = text.rpartition(":")
            if not _PROTOCOL.fullmatch(ports):
                raise _refusal(f"{where}.dst: {text!r} is not a valid destination and port")
            names.check(f"{where}.dst", [host])


def _object(holder: Mapping[str, Any], name: str, place: str = "") -> dict[str, Any]:
    value = section(holder, name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _refusal(f"{place}{name} must be an object")
    return value


def _rules(policy: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = section(policy, name) or []
    if not isinstance(value, list) or not all(isinstance(rule, dict) for rule in value):
        raise _refusal(f"{name} must be a list of objects")
    return value


def _texts(where: str, value: Any, *, required: bool = False) -> list[str]:  # noqa: ANN401 - JSON
    texts = [] if value is None else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _refusal(f"{where}: must be a list of strings")
    if required and not texts:
        raise _refusal(f"{where}: must not be empty")
    return texts


def _only(where: str, rule: Mapping[str, Any], known: Collection[str]) -> None:
    unknown = sorted(set(rule) - set(known))
    if unknown:
        raise _refusal(f"{where}: field {unknown[0]!r} cannot be checked by the stand-in")


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _refusal(reason: str) -> Refusal:
    return Refusal(400, f"policy file: {reason}")
