"""The tailnet's policy file: who owns a tag, and which routes approve themselves."""

import hashlib
from dataclasses import dataclass
from typing import Any

from workshop.lab.refusal import Refusal
from workshop.lab.tailscale_api import hujson
from workshop.lab.tailscale_api.policy_check import check, section

DEFAULT = """{
	// Allow all connections.
	"grants": [
		{"src": ["*"], "dst": ["*"], "ip": ["*"]},
	],
}
"""
EXIT_ROUTES = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True)
class Policy:
    """A policy file as it was sent, comments and all."""

    text: str = DEFAULT
    is_default: bool = True

    @property
    def etag(self) -> str:
        """The entity tag, quoted as in the header."""
        return f'"{hashlib.sha256(self.text.encode()).hexdigest()}"'

    def matches(self, if_match: str) -> bool:
        """Whether an If-Match header holds. `"ts-default"`: the policy was never changed."""
        wanted = if_match.strip().strip('"')
        return self.is_default if wanted == "ts-default" else wanted == self.etag.strip('"')

    def value(self) -> dict[str, Any]:
        parsed: dict[str, Any] = hujson.parse(self.text)
        return parsed

    def owned_tags(self) -> frozenset[str]:
        """The tags a key may carry: those that have an owner."""
        owners = section(self.value(), "tagOwners")
        return frozenset(owners) if isinstance(owners, dict) else frozenset()

    def approved(self, routes: list[str], tags: list[str]) -> list[str]:
        """The exit routes, of those advertised, where `autoApprovers` has one of these tags."""
        approvers = section(self.value(), "autoApprovers") or {}
        if not set(section(approvers, "exitNode") or []) & set(tags):
            return []
        return [route for route in routes if route in EXIT_ROUTES]


def accept(text: str) -> Policy:
    """A policy file that was sent; an empty one resets the tailnet to the default.

    Raises Refusal 400 where it is not a HuJSON object, or does not hold to Tailscale's rules.
    """
    if not text.strip():
        return Policy()
    try:
        value = hujson.parse(text)
    except hujson.HuJSONError as error:
        raise Refusal(400, f"policy file: {error}") from None
    if not isinstance(value, dict):
        raise Refusal(400, "policy file: must be an object")
    check(value)
    return Policy(text=text, is_default=False)
