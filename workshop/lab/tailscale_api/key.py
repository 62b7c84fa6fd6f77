"""Auth keys and OAuth clients, and what a caller may do with one."""

from dataclasses import dataclass, field
from typing import Any

from workshop.lab.refusal import Refusal
from workshop.lab.tailscale_api.moment import rfc3339

DEFAULT_EXPIRY_SECONDS = 7_776_000  # 90 days, also the longest the real API grants.
_NEVER = "0001-01-01T00:00:00Z"  # Go's zero time, which the real API sends for "not set".
_LONGEST_DESCRIPTION = 50


@dataclass
class Key:
    """An issued key. `kind` is `auth` or `client`; times are seconds since 1970."""

    id: str
    kind: str
    secret_hash: str
    description: str
    created: float
    tags: list[str]
    updated: float = 0.0
    expiry_seconds: int = 0
    reusable: bool = False
    ephemeral: bool = False
    preauthorized: bool = False
    scopes: list[str] = field(default_factory=list)
    used: bool = False
    revoked: float = 0.0
    """When it was deleted: it is shown, and of no use, from then on."""

    def expired(self, now: float) -> bool:
        """An OAuth client does not expire."""
        return self.kind == "auth" and now >= self.created + self.expiry_seconds

    def invalid(self, now: float) -> bool:
        """Revoked, expired, or a single-use key that has been used."""
        spent = self.kind == "auth" and self.used and not self.reusable
        return bool(self.revoked) or self.expired(now) or spent

    def answer(self, now: float) -> dict[str, Any]:
        """The body the API sends, without the secret."""
        body: dict[str, Any] = {
            "id": self.id,
            "keyType": self.kind,
            "description": self.description,
            "created": rfc3339(self.created),
            "updated": rfc3339(self.updated or self.created),
            "revoked": rfc3339(self.revoked) if self.revoked else _NEVER,
            "userId": "",
            "invalid": self.invalid(now),
        }
        if self.kind == "client":
            return body | {"scopes": self.scopes, "tags": self.tags, "expires": _NEVER}
        create = {
            "reusable": self.reusable,
            "ephemeral": self.ephemeral,
            "preauthorized": self.preauthorized,
            "tags": self.tags,
        }
        return body | {
            "expirySeconds": self.expiry_seconds,
            "expires": rfc3339(self.created + self.expiry_seconds),
            "capabilities": {"devices": {"create": create}},
        }


@dataclass(frozen=True)
class Caller:
    """Who sent a request: the API key may do everything, a token what its client's scopes say."""

    scopes: frozenset[str]
    tags: frozenset[str] | None = None

    def require(self, scope: str, *, write: bool) -> None:
        """Raise Refusal 403 unless a scope covers the request."""
        sufficient = {"all", scope} | (set() if write else {"all:read", f"{scope}:read"})
        if not sufficient & self.scopes:
            raise Refusal(403, "calling actor does not have enough permissions to perform this")

    def may_grant(self, tags: list[str], owned: frozenset[str]) -> None:
        """Raise Refusal 400 unless every tag has an owner, and a client's caller owns it."""
        allowed = owned if self.tags is None else owned & self.tags
        refused = sorted(set(tags) - allowed)
        if refused:
            raise Refusal(
                400,
                f"requested tags [{' '.join(refused)}] are invalid or not permitted",
            )
        if self.tags is not None and not tags:
            raise Refusal(400, "a key made with an OAuth client must carry tags")


def string_list(body: dict[str, Any], name: str) -> list[str]:
    """A list of strings of a request's body; absent and null are the empty list."""
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Refusal(400, f"{name}: must be a list of strings")
    return value


def description(body: dict[str, Any]) -> str:
    """The description of a key in a request's body; raises Refusal 400 over 50 characters."""
    text = body.get("description") or ""
    if not isinstance(text, str) or len(text) > _LONGEST_DESCRIPTION:
        raise Refusal(400, f"description: at most {_LONGEST_DESCRIPTION} characters")
    return text
